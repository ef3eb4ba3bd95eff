// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// libFuzzer over the configuration file (tools/fuzz): any bytes at all.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "unit/support/file_property.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string complaint =
      sluice::test::file_complaint({reinterpret_cast<const char*>(bytes), size});
  if (complaint.empty()) return 0;
  std::fprintf(stderr, "%s\n", complaint.c_str());
  std::abort();
}
