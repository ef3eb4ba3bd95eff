// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/objects.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <memory>

#include "decap.skel.h"
#include "kernel/state/release.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/system_error.h"
#include "model/ring.h"
#include "model/service_table.h"
#include "pace.skel.h"
#include "probe.skel.h"
#include "punt.skel.h"
#include "sluice/departure.h"
#include "sluice/service.h"
#include "sockets.skel.h"
#include "steer.skel.h"

namespace sluice {
namespace {

// A power of two: bits of a hash choose the line.
uint32_t departure_lines(const InstanceLimits& limits) {
  return std::bit_ceil(limits.flows) / SLUICE_DEPARTURES_OF_LINE;
}

// The maps whose capacity follows from the instance's limits.
std::map<std::string, uint32_t> capacities(const InstanceLimits& limits) {
  return {
      {"service_configs", limits.services + 1},
      {"backend_configs", limits.backends + 1},
      {"ring_heads", limits.services + 1},
      {"ring_lines", ring_store_lines(limits.services, limits.backends)},
      {"verdicts", limits.services + 1},
      {"policies", limits.services},
      // Per service: its endpoint and its address; per backend: its endpoint.
      {"endpoints", 2 * limits.services + limits.backends},
      {"service_prefixes", 2 * limits.services},
      {"admissions", limits.services + 1},
      {"backends", limits.backends + 1},
      {"backends_freed", limits.backends + 1},
      {"backend_paths", limits.backends + 1},
      {"measures", limits.services + 1},
      {"latencies", limits.backends + 1},
      {"flows", limits.flows},
      {"half_open", std::min<uint32_t>(limits.flows, SLUICE_HALF_OPEN_DEFAULT)},
      {"translations", 2 * limits.flows},
      {"paced_flows", limits.flows},
      {"departures", departure_lines(limits)},
      {"departure_names", departure_lines(limits) * SLUICE_DEPARTURES_OF_LINE},
      {"shares", limits.services},
      {"policings", limits.services + 1},
      {"pace_policings", limits.services + 1},
      {"flow_totals", limits.services + 1},
  };
}

void set_seed(const volatile sluice_seed& constant, const sluice_seed& seed) {
  memcpy(const_cast<sluice_seed*>(&constant), &seed, sizeof(seed));
}

// A BPF variable that user space writes is in a section of its own, and so in a map of its own.
constexpr std::string_view kVariables = ".data.";

// Maps that belong to one version's programs and are not shared with another version.
constexpr std::array<std::string_view, 2> kOfPrograms = {"tail_calls", "release"};

// Where an object's pins are, or are created.
struct Pins {
  std::string maps;
  std::optional<std::string> new_maps;  // for maps missing in `maps`; empty: they are not pinned
  std::optional<std::string> programs;  // empty: programs are not pinned

  // Empty: the map is not pinned, and private to the object.
  [[nodiscard]] std::optional<std::string> path_of(const std::string& name) const {
    if (std::find(kOfPrograms.begin(), kOfPrograms.end(), name) != kOfPrograms.end())
      return programs ? std::optional(*programs + "/" + name) : std::nullopt;
    const std::string there = maps + "/" + name;
    if (access(there.c_str(), F_OK) == 0) return there;
    return new_maps ? std::optional(*new_maps + "/" + name) : std::nullopt;
  }
};

// libbpf would refuse the map too, without naming the difference.
Result<void> check_shape(const bpf_map* map, const std::string& directory, const std::string& name,
                         const Fd& pinned) {
  bpf_map_info info{};
  uint32_t info_bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(pinned.get(), &info, &info_bytes) != 0)
    return failed("map {}: {}", name, error_text(errno));
  const auto differs = [&](const char* what, uint32_t is, uint32_t should_be) {
    return failed(
        "map {}: its {} is {} where this sluice has {}, so what is in it cannot be adopted {}",
        name, what, is, should_be, restart_advice(directory));
  };
  if (info.type != bpf_map__type(map)) return differs("type", info.type, bpf_map__type(map));
  if (info.key_size != bpf_map__key_size(map))
    return differs("size of a key", info.key_size, bpf_map__key_size(map));
  if (info.value_size != bpf_map__value_size(map))
    return differs("size of a value", info.value_size, bpf_map__value_size(map));
  if (info.max_entries != bpf_map__max_entries(map))
    return differs("capacity", info.max_entries, bpf_map__max_entries(map));
  return {};
}

// The kernel adds BPF_F_RDONLY_PROG to the flags of a device map. libbpf 1.1 compares flags and
// would refuse to reuse the pinned map, so its descriptor is passed explicitly.
Result<void> use_pinned(bpf_map* map, const std::string& directory, const std::string& name,
                        const std::string& path) {
  const Fd pinned(bpf_obj_get(path.c_str()));
  if (!pinned.valid()) return {};  // not created yet
  TRY(check_shape(map, directory, name, pinned));
  if (bpf_map__type(map) != BPF_MAP_TYPE_DEVMAP_HASH) return {};
  if (bpf_map__reuse_fd(map, pinned.get()) != 0)
    return failed("{}: using it again: {}", path, error_text(errno));
  return {};
}

// Sets the pin path and capacity of the object's shared maps. Pinned maps are reused.
Result<void> share_maps(bpf_object* object, const Pins& pins,
                        const std::map<std::string, uint32_t>& sizes) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    std::string name = bpf_map__name(map);
    if (name.starts_with(kVariables))
      name.erase(0, kVariables.size());
    else if (bpf_map__pin_path(map) == nullptr)
      continue;
    const auto size = sizes.find(name);
    if (size != sizes.end() && bpf_map__set_max_entries(map, size->second) != 0)
      return failed("map {}: cannot have {} entries", name, size->second);
    const auto path = pins.path_of(name);
    if (bpf_map__set_pin_path(map, path ? path->c_str() : nullptr) != 0)
      return failed("map {}: cannot be pinned in {}", name, pins.maps);
    if (!path) continue;
    TRY(use_pinned(map, pins.maps, name, *path));
  }
  return {};
}

Result<void> load_and_pin(bpf_object* object, const Pins& pins) {
  const std::string object_name = bpf_object__name(object);
  libbpf_log_take();
  if (const int error = bpf_object__load(object); error != 0)
    return failed("{}: the kernel refused the BPF programs: {}; {}", object_name, strerror(-error),
                  libbpf_log_take());
  if (!pins.programs) return {};
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    const std::string path = *pins.programs + "/" + bpf_program__name(program);
    if (bpf_obj_pin(bpf_program__fd(program), path.c_str()) != 0)
      return failed("{}: pinning it: {}", path, error_text(errno));
  }
  return {};
}

template <typename Skeleton>
using Owned = std::unique_ptr<Skeleton, void (*)(Skeleton*)>;

// Opens a skeleton, shares its maps, and lets `configure` set the constants.
template <typename Skeleton, typename Configure>
Result<Owned<Skeleton>> open_object(const Pins& pins, const std::map<std::string, uint32_t>& sizes,
                                    Configure configure) {
  Owned<Skeleton> skeleton(Skeleton::open(), Skeleton::destroy);
  if (!skeleton) return failed("a BPF object could not be opened: {}", libbpf_log_take());
  TRY(share_maps(skeleton->obj, pins, sizes));
  TRY(configure(*skeleton));
  return skeleton;
}

// open_object(), then loads and pins it.
template <typename Skeleton, typename Configure>
Result<void> load(const Pins& pins, const std::map<std::string, uint32_t>& sizes,
                  Configure configure) {
  auto skeleton = TRY(open_object<Skeleton>(pins, sizes, configure));
  return load_and_pin(skeleton->obj, pins);
}

// The verifier takes the size of inner maps from a template.
Result<Fd> service_table_template(uint32_t buckets) {
  LIBBPF_OPTS(bpf_map_create_opts, options);
  options.map_flags = BPF_F_MMAPABLE;
  Fd table(bpf_map_create(BPF_MAP_TYPE_ARRAY, "service_table", sizeof(uint32_t),
                          sizeof(sluice_service_bucket), buckets, &options));
  if (!table.valid()) return failed("map service_table: making it: {}", error_text(errno));
  return table;
}

Result<void> configure_steer(steer_bpf& steer, const sluice_instance& root, uint32_t buckets,
                             const Fd& table) {
  set_seed(steer.rodata->seed, root.seed);
  steer.rodata->punt_mac = root.punt_mac;
  steer.rodata->service_table_mask = buckets - 1;
  if (bpf_map__set_inner_map_fd(steer.maps.service_tables, table.get()) != 0)
    return failed("map service_tables: {}", error_text(errno));
  return {};
}

template <typename Skeleton>
ChainedObject chained(Owned<Skeleton> skeleton) {
  bpf_object* object = skeleton->obj;
  return {std::shared_ptr<void>(std::move(skeleton)), object};
}

// Loads the slow path alone, which handles every packet: the kernel allows no tail calls to or from
// a program of a dispatcher.
Result<void> leave_out_fast_path(steer_bpf& steer) {
  bpf_program__set_autoload(steer.progs.steer, false);
  // libbpf would fill a map of type PROG_ARRAY with its declared programs.
  if (bpf_map__set_type(steer.maps.tail_calls, BPF_MAP_TYPE_ARRAY) != 0)
    return failed("map tail_calls: its type cannot be changed");
  return {};
}

Result<void> load_all(const Pins& pins, const InstanceLimits& limits, const sluice_instance& root) {
  libbpf_log_capture();
  const auto sizes = capacities(limits);
  const uint32_t buckets = service_table_size(limits);
  const Fd table = TRY(service_table_template(buckets));
  const auto as_built = [](auto&) -> Result<void> { return {}; };
  TRY(load<steer_bpf>(
      pins, sizes, [&](steer_bpf& steer) { return configure_steer(steer, root, buckets, table); }));
  TRY(load<punt_bpf>(pins, sizes, [&](punt_bpf& punt) -> Result<void> {
    punt.rodata->punt_mac = root.punt_mac;
    return {};
  }));
  TRY(load<decap_bpf>(pins, sizes, as_built));
  TRY(load<sockets_bpf>(pins, sizes, as_built));
  TRY(load<pace_bpf>(pins, sizes, [&](pace_bpf& pace) -> Result<void> {
    set_seed(pace.rodata->seed, root.seed);
    pace.rodata->departures_mask = departure_lines(limits) - 1;
    pace.rodata->punt_mac = root.punt_mac;
    return {};
  }));
  TRY(load<probe_bpf>(pins, sizes, as_built));
  return pins.programs ? put_release(*pins.programs) : Result<void>{};
}

}  // namespace

Result<ChainedObject> open_chained(const InstanceDirectory& instance, const std::string& program,
                                   const sluice_instance& root) {
  libbpf_log_capture();
  const InstanceLimits limits = TRY(instance.limits());
  const auto sizes = capacities(limits);
  const Pins pins{.maps = instance.directory(), .new_maps = {}, .programs = {}};
  if (program == "decap")
    return chained(TRY(
        open_object<decap_bpf>(pins, sizes, [](decap_bpf&) -> Result<void> { return {}; })));
  const uint32_t buckets = service_table_size(limits);
  const Fd table = TRY(service_table_template(buckets));
  return chained(TRY(open_object<steer_bpf>(pins, sizes, [&](steer_bpf& steer) -> Result<void> {
    TRY(leave_out_fast_path(steer));
    return configure_steer(steer, root, buckets, table);
  })));
}

uint32_t service_table_size(const InstanceLimits& limits) {
  return static_cast<uint32_t>(
      service_table_buckets(service_table_entries(limits.services, limits.backends)));
}

Result<void> load_objects(const std::string& directory, const InstanceLimits& limits,
                          const sluice_instance& root) {
  TRY(make_directory(directory + "/programs"));
  return load_all({.maps = directory, .new_maps = directory, .programs = directory + "/programs"},
                  limits, root);
}

Result<void> load_beside(const std::string& directory, const std::optional<std::string>& programs,
                         const InstanceLimits& limits, const sluice_instance& root) {
  if (!programs) return load_all({.maps = directory, .new_maps = {}, .programs = {}}, limits, root);
  const std::string new_maps = *programs + "/maps";
  for (const std::string& each : {*programs, new_maps}) TRY(make_directory(each));
  return load_all({.maps = directory, .new_maps = new_maps, .programs = programs}, limits, root);
}

}  // namespace sluice
