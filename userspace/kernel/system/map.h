// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A pinned map with its types. The sizes are checked when it is opened, which detects an instance
// of another layout before its contents are misread.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernel/system/fd.h"
#include "kernel/system/mapped_values.h"
#include "kernel/system/system_error.h"
#include "support/result.h"

namespace sluice {

struct OpenedMap {
  Fd fd;
  std::string name;
  uint32_t max_entries = 0;
  uint32_t btf_id = 0;
};

// Opens DIRECTORY/NAME and checks the sizes of keys and values.
Result<OpenedMap> open_map(const std::string& directory, const std::string& name,
                           uint32_t key_bytes, uint32_t value_bytes);

template <typename Key, typename Value>
class Map {
 public:
  Map() = default;

  static Result<Map> open(const std::string& directory, const std::string& name) {
    auto opened = TRY(open_map(directory, name, sizeof(Key), sizeof(Value)));
    Map map;
    map.opened_ = std::move(opened);
    return map;
  }

  [[nodiscard]] uint32_t capacity() const { return opened_.max_entries; }
  [[nodiscard]] int fd() const { return opened_.fd.get(); }
  [[nodiscard]] uint32_t btf_id() const { return opened_.btf_id; }

  [[nodiscard]] Result<std::optional<Value>> find(const Key& key) const {
    Value value{};
    if (bpf_map_lookup_elem(fd(), &key, &value) == 0) return value;
    if (errno == ENOENT) return std::optional<Value>{};
    return failure("look-up", errno);
  }

  Result<void> put(const Key& key, const Value& value) {
    if (bpf_map_update_elem(fd(), &key, &value, BPF_ANY) == 0) return {};
    return failure("update", errno);
  }

  // In one system call, which a signal does not interrupt half-way.
  Result<void> put_all(const std::vector<std::pair<Key, Value>>& entries) {
    std::vector<Key> keys;
    std::vector<Value> values;
    for (const auto& [key, value] : entries) {
      keys.push_back(key);
      values.push_back(value);
    }
    auto count = static_cast<uint32_t>(entries.size());
    if (count == 0) return {};
    if (bpf_map_update_batch(fd(), keys.data(), values.data(), &count, nullptr) == 0) return {};
    return failure("update", errno);
  }

  // Success if there is no such key.
  Result<void> erase(const Key& key) {
    if (bpf_map_delete_elem(fd(), &key) == 0 || errno == ENOENT) return {};
    return failure("delete", errno);
  }

  // Calls take(index, value) for each value of an array with BPF_F_MMAPABLE whose field `key` is
  // not 0, or is `wanted`, without a system call per value. A value that is being written meanwhile
  // is read again.
  template <typename Record, typename Field, typename Take>
  [[nodiscard]] Result<void> for_each_mapped(Field Record::*key,
                                             std::type_identity_t<std::optional<Field>> wanted,
                                             Take take) const {
    static_assert(std::is_same_v<Record, Value>);
    const Value* const values = TRY(mapped());
    for (uint32_t i = 0; i < capacity(); i++) {
      const Field found = values[i].*key;
      if (wanted ? found != *wanted : found == Field{}) continue;
      take(i, stable_copy(values[i]));
    }
    return {};
  }

  // All values of an array with BPF_F_MMAPABLE, by index.
  [[nodiscard]] Result<std::vector<Value>> mapped_values() const {
    const Value* const values = TRY(mapped());
    return std::vector<Value>(values, values + capacity());
  }

  // Calls take(index, value) for each index of an array from `first` to `last`.
  template <typename Take>
  [[nodiscard]] Result<void> for_range(uint32_t first, uint32_t last, Take take) const {
    constexpr uint32_t batch = 4096;
    std::vector<Key> keys(batch);
    std::vector<Value> values(batch);
    // The cursor is the index before the next one.
    uint32_t cursor = first - 1;
    for (uint32_t next = first; next <= last;) {
      uint32_t count = std::min(batch, last - next + 1);
      if (bpf_map_lookup_batch(fd(), next == 0 ? nullptr : &cursor, &cursor, keys.data(),
                               values.data(), &count, nullptr) != 0 &&
          errno != ENOENT)
        return failure("read", errno);
      if (count == 0) break;
      for (uint32_t i = 0; i < count; i++) take(keys[i], values[i]);
      next += count;
    }
    return {};
  }

  // Deletes many keys in few system calls. Missing keys are skipped.
  Result<void> erase(const std::vector<Key>& keys) {
    for (size_t done = 0; done < keys.size();) {
      auto count = static_cast<uint32_t>(keys.size() - done);
      const int error = bpf_map_delete_batch(fd(), &keys[done], &count, nullptr) ? errno : 0;
      if (error != 0 && error != ENOENT) return failure("delete", error);
      // The kernel stops at a missing key.
      done += count + (error == ENOENT ? 1 : 0);
    }
    return {};
  }

  [[nodiscard]] Result<std::vector<std::pair<Key, Value>>> entries() const {
    std::vector<std::pair<Key, Value>> all;
    TRY(for_each([&](const Key& key, const Value& value) { all.emplace_back(key, value); }));
    return all;
  }

  // Calls take(key, value) for each entry. An entry that is added or deleted meanwhile may be
  // missing.
  template <typename Take>
  [[nodiscard]] Result<void> for_each(Take take) const {
    // Few pages: for the kernel, each one that a command touches first costs as much as copying
    // a hundred entries.
    const auto batch =
        static_cast<uint32_t>(std::max<size_t>(batch_bytes / (sizeof(Key) + sizeof(Value)), 64));
    std::vector<Key> keys(batch);
    std::vector<Value> values(batch);
    // The cursor is a bucket number for hash maps and a key for arrays; both fit.
    uint64_t cursor[8] = {};
    bool first = true;
    for (int error = 0; error == 0; first = false) {
      uint32_t count = batch;
      error = bpf_map_lookup_batch(fd(), first ? nullptr : cursor, cursor, keys.data(),
                                   values.data(), &count, nullptr)
                  ? errno
                  : 0;
      if (error != 0 && error != ENOENT) return failure("read", error);
      for (uint32_t i = 0; i < count; i++) take(keys[i], values[i]);
    }
    return {};
  }

 private:
  static constexpr size_t batch_bytes = 65536;

  // Kept: the kernel maps every page at once, which takes longer than to read them.
  [[nodiscard]] Result<const Value*> mapped() const {
    static_assert(sizeof(Value) % 8 == 0, "the kernel lays values out in steps of 8 bytes");
    if (!mapped_) {
      auto mapped =
          std::make_shared<const MappedValues>(fd(), size_t{capacity()} * sizeof(Value), PROT_READ);
      if (!mapped->valid()) return failure("mapping it", errno);
      mapped_ = std::move(mapped);
    }
    return static_cast<const Value*>(mapped_->get());
  }

  static Value stable_copy(const Value& value) {
    Value copy;
    do {
      memcpy(&copy, &value, sizeof(copy));
      std::atomic_thread_fence(std::memory_order_seq_cst);
    } while (memcmp(&copy, &value, sizeof(copy)) != 0);
    return copy;
  }

  [[nodiscard]] tl::unexpected<Error> failure(const char* what, int error) const {
    if (error == E2BIG || error == ENOSPC)
      return failed("map {}: {}: it is full ({} entries)", opened_.name, what, capacity());
    return failed("map {}: {}: {}", opened_.name, what, error_text(error));
  }

  OpenedMap opened_;
  mutable std::shared_ptr<const MappedValues> mapped_;
};

// A per-CPU array: one value per index and CPU.
template <typename Value>
class PerCpuArray {
  static_assert(sizeof(Value) % 8 == 0, "the kernel rounds per-CPU values up to 8 bytes");

 public:
  PerCpuArray() = default;

  static Result<PerCpuArray> open(const std::string& directory, const std::string& name) {
    auto opened = TRY(open_map(directory, name, sizeof(uint32_t), sizeof(Value)));
    PerCpuArray array;
    array.opened_ = std::move(opened);
    array.cpus_ = static_cast<size_t>(libbpf_num_possible_cpus());
    return array;
  }

  [[nodiscard]] uint32_t capacity() const { return opened_.max_entries; }

  [[nodiscard]] Result<std::vector<Value>> read(uint32_t index) const {
    std::vector<Value> values(cpus_);
    if (bpf_map_lookup_elem(opened_.fd.get(), &index, values.data()) == 0) return values;
    return failed("map {}: look-up of {}: {}", opened_.name, index, error_text(errno));
  }

  // One value per CPU, in the order of read().
  Result<void> put(uint32_t index, const std::vector<Value>& values) {
    if (bpf_map_update_elem(opened_.fd.get(), &index, values.data(), BPF_ANY) == 0) return {};
    return failed("map {}: update of {}: {}", opened_.name, index, error_text(errno));
  }

  Result<void> clear(uint32_t index) { return put(index, std::vector<Value>(cpus_)); }

 private:
  OpenedMap opened_;
  size_t cpus_ = 0;
};

}  // namespace sluice
