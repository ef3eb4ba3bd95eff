// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/libcurl.h"

#include <dlfcn.h>

namespace sluice {
namespace {

// The soname of the ABI that curl/curl.h declares.
constexpr const char* library_name = "libcurl.so.4";

Result<Libcurl> load() {
  void* library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return failed("{} (package libcurl4)", dlerror());
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (function == nullptr) missing = name;
  };
  Libcurl curl{};
  find(curl.easy_init, "curl_easy_init");
  find(curl.easy_cleanup, "curl_easy_cleanup");
  find(curl.easy_setopt, "curl_easy_setopt");
  find(curl.easy_getinfo, "curl_easy_getinfo");
  find(curl.easy_strerror, "curl_easy_strerror");
  find(curl.slist_append, "curl_slist_append");
  find(curl.slist_free_all, "curl_slist_free_all");
  find(curl.multi_init, "curl_multi_init");
  find(curl.multi_cleanup, "curl_multi_cleanup");
  find(curl.multi_setopt, "curl_multi_setopt");
  find(curl.multi_assign, "curl_multi_assign");
  find(curl.multi_add_handle, "curl_multi_add_handle");
  find(curl.multi_remove_handle, "curl_multi_remove_handle");
  find(curl.multi_socket_action, "curl_multi_socket_action");
  find(curl.multi_info_read, "curl_multi_info_read");
  if (missing != nullptr) return failed("{}: has no function {}", library_name, missing);
  return curl;
}

}  // namespace

const Result<Libcurl>& libcurl() {
  static const Result<Libcurl> loaded = load();
  return loaded;
}

}  // namespace sluice
