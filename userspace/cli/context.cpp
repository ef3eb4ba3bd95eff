// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/context.h"

#include <algorithm>

#include "cli/absent.h"
#include "kernel/state/release.h"

namespace sluice {

void print_json(Context& context, const Json& document) {
  // A device name may be any bytes. What is not UTF-8 is shown as U+FFFD; the default is to throw.
  context.out << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

void tell(Context& context, const Change& change, const std::vector<std::string>& notes) {
  if (context.json) {
    Json document{
        {"changed", change.needed}, {"dry_run", context.dry_run}, {"sentence", change.sentence}};
    if (!notes.empty()) document["notes"] = notes;
    print_json(context, document);
    return;
  }
  std::ostream& stream = context.dry_run ? context.out : context.err;
  for (const auto& note : notes) stream << note << '\n';
  if (context.dry_run && change.needed) stream << "would change: ";
  stream << change.sentence << '\n';
}

void say(Context& context, std::string_view words) {
  if (!context.json) context.err << words << '\n';
}

std::vector<std::string> creation_note(const Context& context) {
  return {fmt::format("instance {}: would be created first", context.instance)};
}

Result<std::vector<std::string>> release_notes(const Instance& instance) {
  auto note = TRY(other_release_note(instance.directory()));
  if (note.empty()) return std::vector<std::string>{};
  return std::vector{std::move(note)};
}

Result<bool> instance_exists(const Context& context) {
  const auto names = TRY(Instance::list());
  return std::find(names.begin(), names.end(), context.instance) != names.end();
}

Result<void> change(Context& context, WhenAbsent when_absent, const UseCase& use_case) {
  const auto exists = TRY(instance_exists(context));

  if (!exists) {
    // Checked against an empty instance first: a refused change must not create one.
    AbsentInstance nothing;
    const auto change = TRY(use_case(nothing, Apply::only_show));
    const bool creates = when_absent == WhenAbsent::create;
    if (context.dry_run || !creates) {
      tell(context, change, creates ? creation_note(context) : std::vector<std::string>{});
      return {};
    }
  }

  auto instance = TRY(context.dry_run ? Instance::open(context.instance)
                                      : Instance::open_locked(context.instance));
  const auto change =
      TRY(use_case(instance.dataplane(), context.dry_run ? Apply::only_show : Apply::perform));
  tell(context, change);
  return {};
}

}  // namespace sluice
