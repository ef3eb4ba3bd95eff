#include "kernel/objects.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <bit>
#include <cstring>
#include <map>
#include <memory>

#include "decap.skel.h"
#include "handover.skel.h"
#include "kernel/bpffs.h"
#include "kernel/libbpf_log.h"
#include "kernel/system_error.h"
#include "model/ring.h"
#include "model/service_table.h"
#include "pace.skel.h"
#include "probe.skel.h"
#include "sluice/departure.h"
#include "sluice/service.h"
#include "sockets.skel.h"
#include "steer.skel.h"

namespace sluice {
namespace {

// A power of two, for a hash's bits choose the line.
uint32_t departure_lines(const InstanceLimits& limits) {
  return std::bit_ceil(limits.flows) / SLUICE_DEPARTURES_OF_LINE;
}

// Every map whose size follows from the instance's limits.
std::map<std::string, uint32_t> capacities(const InstanceLimits& limits) {
  return {
      {"service_configs", limits.services},
      {"backend_configs", limits.backends},
      {"ring_heads", limits.services + 1},
      {"ring_lines", ring_store_lines(limits.services, limits.backends)},
      {"verdicts", limits.services + 1},
      {"policies", limits.services},
      // Its own, its address and each of its backends'.
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

// A variable of the BPF side that user space writes has a map of its own, with a section's name.
constexpr std::string_view kVariables = ".data.";

// The kernel adds BPF_F_RDONLY_PROG to the flags of a map of devices, and libbpf 1.1 then takes the
// pinned one for a different one: so such a map is handed to it.
Result<void> reuse_devices(bpf_map* map, const std::string& path) {
  const Fd pinned(bpf_obj_get(path.c_str()));
  if (!pinned.valid()) return {};  // not there yet
  if (bpf_map__reuse_fd(map, pinned.get()) != 0)
    return failed("{}: using it again: {}", path, error_text(errno));
  return {};
}

// Pins the object's shared maps in the directory; where one is pinned there already, it is used.
Result<void> share_maps(bpf_object* object, const std::string& directory,
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
    const std::string path = directory + "/" + name;
    if (bpf_map__set_pin_path(map, path.c_str()) != 0)
      return failed("map {}: cannot be pinned in {}", name, directory);
    if (bpf_map__type(map) == BPF_MAP_TYPE_DEVMAP_HASH) {
      if (auto reused = reuse_devices(map, path); !reused) return reused;
    }
  }
  return {};
}

Result<void> load_and_pin(bpf_object* object, const std::string& directory) {
  const std::string object_name = bpf_object__name(object);
  libbpf_log_take();
  if (const int error = bpf_object__load(object); error != 0)
    return failed("{}: the kernel refused the BPF programs: {}; {}", object_name, strerror(-error),
                  libbpf_log_take());
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    const std::string path = directory + "/programs/" + bpf_program__name(program);
    if (bpf_obj_pin(bpf_program__fd(program), path.c_str()) != 0)
      return failed("{}: pinning it: {}", path, error_text(errno));
  }
  return {};
}

template <typename Skeleton>
using Owned = std::unique_ptr<Skeleton, void (*)(Skeleton*)>;

// Opens a skeleton, shares its maps and lets `configure` set what is constant.
template <typename Skeleton, typename Configure>
Result<Owned<Skeleton>> open_object(const std::string& directory,
                                    const std::map<std::string, uint32_t>& sizes,
                                    Configure configure) {
  Owned<Skeleton> skeleton(Skeleton::open(), Skeleton::destroy);
  if (!skeleton) return failed("a BPF object could not be opened: {}", libbpf_log_take());
  if (auto shared = share_maps(skeleton->obj, directory, sizes); !shared)
    return tl::unexpected(shared.error());
  if (auto configured = configure(*skeleton); !configured)
    return tl::unexpected(configured.error());
  return skeleton;
}

// And loads and pins.
template <typename Skeleton, typename Configure>
Result<void> load(const std::string& directory, const std::map<std::string, uint32_t>& sizes,
                  Configure configure) {
  auto skeleton = open_object<Skeleton>(directory, sizes, configure);
  if (!skeleton) return tl::unexpected(skeleton.error());
  return load_and_pin((*skeleton)->obj, directory);
}

// The verifier learns the size of service tables from a table like those that will come.
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
  steer.rodata->handover_mac = root.handover_mac;
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

// Its long way alone, which has an answer for every packet: the kernel puts no program of a
// dispatcher into an array of programs, and lets none call by one.
Result<void> leave_out_short_way(steer_bpf& steer) {
  bpf_program__set_autoload(steer.progs.steer, false);
  // Of its own type libbpf would fill it.
  bpf_map* ways = steer.maps.ways;
  if (bpf_map__set_pin_path(ways, nullptr) != 0 || bpf_map__set_type(ways, BPF_MAP_TYPE_ARRAY) != 0)
    return failed("map ways: cannot be left out");
  return {};
}

}  // namespace

Result<ChainedObject> open_chained(const std::string& directory, const std::string& program,
                                   const InstanceLimits& limits, const sluice_instance& root) {
  libbpf_log_capture();
  const auto sizes = capacities(limits);
  if (program == "decap") {
    auto decap =
        open_object<decap_bpf>(directory, sizes, [](decap_bpf&) -> Result<void> { return {}; });
    if (!decap) return tl::unexpected(decap.error());
    return chained(std::move(*decap));
  }
  const uint32_t buckets = service_table_size(limits);
  auto table = service_table_template(buckets);
  if (!table) return tl::unexpected(table.error());
  auto steer = open_object<steer_bpf>(directory, sizes, [&](steer_bpf& skeleton) -> Result<void> {
    if (auto left_out = leave_out_short_way(skeleton); !left_out) return left_out;
    return configure_steer(skeleton, root, buckets, *table);
  });
  if (!steer) return tl::unexpected(steer.error());
  return chained(std::move(*steer));
}

uint32_t service_table_size(const InstanceLimits& limits) {
  return static_cast<uint32_t>(
      service_table_buckets(service_table_entries(limits.services, limits.backends)));
}

Result<void> load_objects(const std::string& directory, const InstanceLimits& limits,
                          const sluice_instance& root) {
  libbpf_log_capture();
  if (auto made = make_directory(directory + "/programs"); !made) return made;
  const auto sizes = capacities(limits);
  const uint32_t buckets = service_table_size(limits);
  auto table = service_table_template(buckets);
  if (!table) return tl::unexpected(table.error());

  const auto nothing = [](auto&) -> Result<void> { return {}; };
  auto loaded = load<steer_bpf>(directory, sizes, [&](steer_bpf& steer) {
    return configure_steer(steer, root, buckets, *table);
  });
  if (!loaded) return loaded;
  loaded = load<handover_bpf>(directory, sizes, [&](handover_bpf& handover) -> Result<void> {
    handover.rodata->handover_mac = root.handover_mac;
    return {};
  });
  if (!loaded) return loaded;
  if (loaded = load<decap_bpf>(directory, sizes, nothing); !loaded) return loaded;
  if (loaded = load<sockets_bpf>(directory, sizes, nothing); !loaded) return loaded;
  loaded = load<pace_bpf>(directory, sizes, [&](pace_bpf& pace) -> Result<void> {
    set_seed(pace.rodata->seed, root.seed);
    pace.rodata->departures_mask = departure_lines(limits) - 1;
    pace.rodata->handover_mac = root.handover_mac;
    return {};
  });
  if (!loaded) return loaded;
  return load<probe_bpf>(directory, sizes, nothing);
}

}  // namespace sluice
