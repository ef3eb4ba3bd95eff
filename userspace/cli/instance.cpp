// sluice instance list|remove.
#include "cli/json.h"
#include "cli/nouns.h"
#include "cli/table.h"

namespace sluice {
namespace {

struct InstanceOptions {
  std::string name;
};

Result<void> run_list(const InstanceOptions&, Context& context) {
  const auto names = Instance::list();
  if (!names) return tl::unexpected(names.error());
  if (context.json) {
    Json list = Json::array();
    for (const auto& name : *names) list.push_back(Json{{"instance", name}});
    print_json(context, list);
  } else if (names->empty()) {
    say(context,
        "no instances; one is created with its first service: sluice service add NAME "
        "ADDR:PORT/PROTO");
  } else {
    Table table({{"INSTANCE"}});
    for (const auto& name : *names) table.add({name});
    table.print(context.out);
  }
  return {};
}

Result<void> run_remove(const InstanceOptions& options, Context& context) {
  if (!options.name.empty()) {
    const auto name = parse_instance_name(options.name);
    if (!name) return tl::unexpected(name.error());
    context.instance = *name;
  }
  const auto removed =
      context.dry_run ? instance_exists(context) : Instance::remove(context.instance);
  if (!removed) return tl::unexpected(removed.error());
  tell(context,
       {.needed = *removed,
        .sentence = *removed ? fmt::format("instance {}: removed, with its programs, its "
                                           "congestion control and its maps",
                                           context.instance)
                             : fmt::format("instance {}: there is none", context.instance)});
  return {};
}

}  // namespace

void setup_instance(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "instance", "Whole sets of programs and maps, side by side",
                            "  sluice instance list\n");
  CLI::App* verb =
      add_verb(*noun, "list", "All instances of this machine", "  sluice instance list\n");
  runs(verb, context, std::make_shared<InstanceOptions>(), run_list);

  auto options = std::make_shared<InstanceOptions>();
  verb = add_verb(*noun, "remove",
                  "Take everything of an instance away: programs, congestion control, maps",
                  "  sluice instance remove\n"
                  "  sluice instance remove trial\n");
  add_argument(verb, "NAME", options->name, "the instance (default: that of --instance)");
  runs(verb, context, options, run_remove);
}

}  // namespace sluice
