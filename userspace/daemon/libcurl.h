// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// libcurl, loaded when the daemon begins and not when a command does: with the 31 libraries that it
// needs it made half of the time that a command takes to start.
#pragma once

#include <curl/curl.h>

#include "support/result.h"

namespace sluice {

// Its functions, by their names there without "curl_".
struct Libcurl {
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
  decltype(&curl_multi_init) multi_init;
  decltype(&curl_multi_cleanup) multi_cleanup;
  decltype(&curl_multi_setopt) multi_setopt;
  decltype(&curl_multi_assign) multi_assign;
  decltype(&curl_multi_add_handle) multi_add_handle;
  decltype(&curl_multi_remove_handle) multi_remove_handle;
  decltype(&curl_multi_socket_action) multi_socket_action;
  decltype(&curl_multi_info_read) multi_info_read;
};

// Loaded once, and there until the process ends. An error where the machine has none (package
// libcurl4).
const Result<Libcurl>& libcurl();

}  // namespace sluice
