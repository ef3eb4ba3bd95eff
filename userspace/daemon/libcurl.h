// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// libcurl, loaded with dlopen() at the first HTTP check. Linked, it and the 31 libraries that it
// needs made up half of the start time of every command.
#pragma once

#include <curl/curl.h>

#include "support/result.h"

namespace sluice {

// The functions that are used; names without "curl_".
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

// Loaded once, and never unloaded. An error if the machine does not have it (package libcurl4).
const Result<Libcurl>& libcurl();

}  // namespace sluice
