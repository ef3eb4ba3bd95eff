// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build/tools/schema FILE: brings docs/sluice.schema.json up to date with the tables of service
// options and policy limits. A unit test fails while the file differs.
#include <fstream>
#include <iostream>

#include "schema/schema.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: schema docs/sluice.schema.json\n";
    return 2;
  }
  std::ifstream in(argv[1]);
  const auto schema = nlohmann::ordered_json::parse(in, nullptr, false);
  if (!in || schema.is_discarded()) {
    std::cerr << "schema: " << argv[1] << ": cannot be read as JSON\n";
    return 1;
  }
  const std::string text = sluice::schema_text(sluice::with_tables(schema));
  std::ofstream out(argv[1]);
  out << text;
  out.close();
  if (out) return 0;
  std::cerr << "schema: " << argv[1] << ": cannot be written\n";
  return 1;
}
