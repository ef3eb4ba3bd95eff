// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The journal of a transaction: map `journal`, pinned until the transaction is complete. It is
// filled before it is pinned, so it exists completely or not at all. Layout: a Head with the number
// of entries per map, then keys and values as in those maps.
#include <bpf/bpf.h>

#include <cstring>

#include "kernel/state/kernel_configuration.h"
#include "kernel/state/records.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/mapped_values.h"

namespace sluice {
namespace {

constexpr size_t kBlock = 4096;

struct Head {
  uint32_t services = 0;
  uint32_t backends = 0;
  uint32_t policies = 0;
  uint32_t filters = 0;
  uint32_t weights = 0;
};

class Writer {
 public:
  template <typename... Fields>
  void add(const Fields&... fields) {
    (bytes_.append(reinterpret_cast<const char*>(&fields), sizeof(fields)), ...);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class Reader {
 public:
  Reader(const char* bytes, size_t size) : bytes_(bytes), left_(size) {}

  // False: the input ends before.
  template <typename... Fields>
  bool take(Fields&... fields) {
    return (take_one(fields) && ...);
  }

 private:
  template <typename Field>
  bool take_one(Field& field) {
    if (left_ < sizeof(field)) return false;
    memcpy(&field, bytes_, sizeof(field));
    bytes_ += sizeof(field);
    left_ -= sizeof(field);
    return true;
  }

  const char* bytes_;
  size_t left_;
};

std::string bytes_of(const Writes& writes) {
  Writer writer;
  const auto count = [](const auto& items) { return static_cast<uint32_t>(items.size()); };
  writer.add(Head{count(writes.services), count(writes.backends), count(writes.policies),
                  count(writes.filters), count(writes.weights)});
  for (const Service& service : writes.services) writer.add(service_record(service));
  for (const Backend& backend : writes.backends)
    writer.add(backend.number, backend_record(backend));
  for (const auto& [service, policy] : writes.policies) writer.add(service, policy_record(policy));
  for (const Filter& filter : writes.filters) writer.add(filter_key(filter), filter_record(filter));
  for (const ClientWeight& each : writes.weights) writer.add(client_weight_key(each), each.weight);
  return writer.bytes();
}

std::optional<Writes> writes_from(Reader reader) {
  Head head;
  if (!reader.take(head)) return std::nullopt;
  Writes writes;
  for (uint32_t i = 0; i < head.services; i++) {
    sluice_service_config config;
    if (!reader.take(config)) return std::nullopt;
    writes.services.push_back(service_from(config));
  }
  for (uint32_t i = 0; i < head.backends; i++) {
    uint32_t number = 0;
    sluice_backend_config config;
    if (!reader.take(number, config)) return std::nullopt;
    writes.backends.push_back(backend_from(number, config));
  }
  for (uint32_t i = 0; i < head.policies; i++) {
    uint32_t service = 0;
    sluice_policy policy;
    if (!reader.take(service, policy)) return std::nullopt;
    writes.policies.emplace_back(service, policy_from(policy));
  }
  for (uint32_t i = 0; i < head.filters; i++) {
    sluice_filter_key key;
    uint32_t record = 0;
    if (!reader.take(key, record)) return std::nullopt;
    writes.filters.push_back(filter_from(key, record));
  }
  for (uint32_t i = 0; i < head.weights; i++) {
    sluice_filter_key key;
    uint32_t weight = 0;
    if (!reader.take(key, weight)) return std::nullopt;
    writes.weights.push_back(client_weight_from(key, weight));
  }
  return writes;
}

std::string pin_of(const std::string& directory) {
  return directory + "/journal";
}

}  // namespace

Result<void> KernelConfiguration::put_journal(const Writes& writes) {
  const std::string bytes = bytes_of(writes);
  const size_t blocks = (bytes.size() + kBlock - 1) / kBlock;
  LIBBPF_OPTS(bpf_map_create_opts, options);
  options.map_flags = BPF_F_MMAPABLE;
  const Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "journal", sizeof(uint32_t), kBlock,
                              static_cast<uint32_t>(blocks), &options));
  if (!map.valid()) return failed("map journal: creating it: {}", error_text(errno));
  const MappedValues mapped(map.get(), blocks * kBlock, PROT_READ | PROT_WRITE);
  if (!mapped.valid()) return failed("map journal: mapping it: {}", error_text(errno));
  memcpy(mapped.get(), bytes.data(), bytes.size());
  // A journal that is left over was never committed, or is carried out already.
  TRY(erase_journal());
  if (bpf_obj_pin(map.get(), pin_of(directory_).c_str()) != 0)
    return failed("{}: pinning it: {}", pin_of(directory_), error_text(errno));
  return {};
}

Result<std::optional<Writes>> KernelConfiguration::journal() {
  const Fd map(bpf_obj_get(pin_of(directory_).c_str()));
  if (!map.valid() && errno == ENOENT) return std::optional<Writes>{};
  bpf_map_info info{};
  uint32_t info_bytes = sizeof(info);
  if (!map.valid() || bpf_obj_get_info_by_fd(map.get(), &info, &info_bytes) != 0)
    return failed("map journal: {}", error_text(errno));
  const size_t size = size_t{info.max_entries} * info.value_size;
  const MappedValues mapped(map.get(), size, PROT_READ);
  if (!mapped.valid()) return failed("map journal: mapping it: {}", error_text(errno));
  auto writes = writes_from(Reader(static_cast<const char*>(mapped.get()), size));
  if (!writes) return failed("map journal: shorter than its head says");
  return writes;
}

Result<void> KernelConfiguration::erase_journal() {
  return remove_pin(pin_of(directory_));
}

}  // namespace sluice
