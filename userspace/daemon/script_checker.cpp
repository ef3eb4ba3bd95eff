// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/script_checker.h"

#include <csignal>
#include <cstring>

namespace sluice {

namespace {

class ScriptAttempt;

// Outlives its attempt, because libuv still has to reap the program.
struct Script {
  uv_process_t raw{};
  ScriptAttempt* attempt = nullptr;  // null: the attempt was cancelled
  size_t* running = nullptr;
};

class ScriptAttempt : public Attempt {
 public:
  ScriptAttempt(Script* script, OnResult on_result)
      : script_(script), on_result_(std::move(on_result)) {
    script_->attempt = this;
  }
  ~ScriptAttempt() override {
    if (script_ == nullptr) return;
    script_->attempt = nullptr;
    kill(-script_->raw.pid, SIGKILL);  // its whole process group
  }
  ScriptAttempt(const ScriptAttempt&) = delete;
  ScriptAttempt& operator=(const ScriptAttempt&) = delete;

  void ended(int64_t status, int signal) {
    script_ = nullptr;
    CheckResult result;
    if (signal != 0)
      result = {CheckResult::Kind::failed, fmt::format("ended by {}", strsignal(signal))};
    else if (status != 0)
      result = {CheckResult::Kind::failed, fmt::format("ended with {}", status)};
    // Moved out first: the callee destroys this attempt.
    const OnResult report = std::move(on_result_);
    report(std::move(result));
  }

 private:
  Script* script_;
  OnResult on_result_;
};

void on_exit(uv_process_t* raw, int64_t status, int signal) {
  auto* script = static_cast<Script*>(raw->data);
  --*script->running;
  kill(-raw->pid, SIGKILL);  // processes that it left behind
  if (script->attempt != nullptr) script->attempt->ended(status, signal);
  uv_close(reinterpret_cast<uv_handle_t*>(raw),
           [](uv_handle_t* closed) { delete static_cast<Script*>(closed->data); });
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ScriptChecker::~ScriptChecker() {
  while (running_ > 0) uv_run(loop_.raw(), UV_RUN_ONCE);
}

StartedCheck ScriptChecker::begin(const Subject& subject, OnResult on_result) {
  if (running_ >= at_once)
    return result_now(CheckResult::Kind::unable,
                      fmt::format("{} scripts are running already", at_once));
  std::vector<std::string> arguments = subject.check->command;
  if (arguments.empty()) return result_now(CheckResult::Kind::unable, "no command");
  std::vector<std::string> environment = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "SLUICE_SERVICE=" + subject.service, "SLUICE_BACKEND=" + subject.at.text(),
      "SLUICE_ADDRESS=" + subject.at.address.text(),
      fmt::format("SLUICE_PORT={}", subject.at.port)};
  std::vector<char*> argument_pointers = pointers_to(arguments);
  std::vector<char*> environment_pointers = pointers_to(environment);

  auto* script = new Script;
  script->raw.data = script;
  script->running = &running_;
  uv_process_options_t options{};
  options.file = argument_pointers.front();
  options.args = argument_pointers.data();
  options.env = environment_pointers.data();
  options.flags = UV_PROCESS_DETACHED;  // a process group of its own
  options.exit_cb = on_exit;
  if (const int error = uv_spawn(loop_.raw(), &script->raw, &options); error != 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(&script->raw),
             [](uv_handle_t* closed) { delete static_cast<Script*>(closed->data); });
    return result_now(CheckResult::Kind::unable,
                      fmt::format("{}: {}", arguments.front(), uv_strerror(error)));
  }
  running_++;
  return {.result = std::nullopt,
          .attempt = std::make_unique<ScriptAttempt>(script, std::move(on_result))};
}

}  // namespace sluice
