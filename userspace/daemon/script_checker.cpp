// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/script_checker.h"

#include <csignal>
#include <cstring>

namespace sluice {

namespace {

class ScriptAttempt;

// Outlives its attempt: libuv has to reap the program.
struct Script {
  uv_process_t raw{};
  ScriptAttempt* attempt = nullptr;  // null: nobody waits any more
  size_t* running = nullptr;
};

class ScriptAttempt : public Attempt {
 public:
  ScriptAttempt(Script* script, Answered answered)
      : script_(script), answered_(std::move(answered)) {
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
    Answer answer;
    if (signal != 0)
      answer = {Answer::Kind::bad, fmt::format("ended by {}", strsignal(signal))};
    else if (status != 0)
      answer = {Answer::Kind::bad, fmt::format("ended with {}", status)};
    // Copied: whoever is called destroys this.
    const Answered answered = std::move(answered_);
    answered(std::move(answer));
  }

 private:
  Script* script_;
  Answered answered_;
};

void on_exit(uv_process_t* raw, int64_t status, int signal) {
  auto* script = static_cast<Script*>(raw->data);
  --*script->running;
  kill(-raw->pid, SIGKILL);  // what it left behind
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

Begun ScriptChecker::begin(const Subject& subject, Answered answered) {
  if (running_ >= at_once)
    return answered_already(Answer::Kind::unable, fmt::format("{} scripts run already", at_once));
  std::vector<std::string> arguments = subject.check->command;
  if (arguments.empty()) return answered_already(Answer::Kind::unable, "no command");
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
    return answered_already(Answer::Kind::unable,
                            fmt::format("{}: {}", arguments.front(), uv_strerror(error)));
  }
  running_++;
  return {.answer = std::nullopt,
          .attempt = std::make_unique<ScriptAttempt>(script, std::move(answered))};
}

}  // namespace sluice
