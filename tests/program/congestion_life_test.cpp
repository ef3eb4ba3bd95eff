// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The congestion control: replacement by another version, choice by routes and listeners, removal.
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>

#include "congestion.skel.h"
#include "kernel/congestion/choice.h"
#include "kernel/congestion/route.h"
#include "program/congestion_fixture.h"

namespace sluice {
namespace {

using namespace bulk;

constexpr uint32_t kLinked = 1U << 13;  // BPF_F_LINK

class CongestionLife : public CongestionFixture {
 protected:
  // An older version, loaded and pinned by an older sluice: one constant of its programs differs,
  // and so do the kernel's tags of them.
  void load_older(bool linked) {
    size_t size = 0;
    const auto* bytes = static_cast<const char*>(congestion_bpf__elf_bytes(&size));
    std::string object(bytes, size);
    const std::string unnamed = "sluice@unnamed@";
    std::string name = name_;
    name.resize(unnamed.size(), '\0');
    object.replace(object.find(unnamed), unnamed.size(), name);
    const uint32_t two_packets = 2000000;  // of pacing_least_burst
    const std::string constant(reinterpret_cast<const char*>(&two_packets), sizeof(two_packets));
    size_t changed = 0;
    for (size_t at = object.find(constant); at != std::string::npos;
         at = object.find(constant, at + 1), changed++)
      object[at] = static_cast<char>(object[at] + 1);
    ASSERT_GT(changed, 0U) << "no instruction of the object has this constant";

    LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = directory_.c_str());
    older_.reset(bpf_object__open_mem(object.data(), object.size(), &options));
    ASSERT_TRUE(older_);
    bpf_map* ops = bpf_object__find_map_by_name(older_.get(), "sluice_ops");
    ASSERT_NE(ops, nullptr);
    if (linked) bpf_map__set_map_flags(ops, kLinked);
    ASSERT_EQ(bpf_object__load(older_.get()), 0);
    bpf_link* attached = bpf_map__attach_struct_ops(ops);
    ASSERT_NE(attached, nullptr);
    bpf_link__disconnect(attached);
    bpf_link__destroy(attached);
    if (linked) {
      const Fd link(
          bpf_link_create(bpf_map__fd(ops), 0, static_cast<bpf_attach_type>(44), nullptr));
      ASSERT_TRUE(link.valid());
      ASSERT_EQ(mkdir((directory_ + "/links").c_str(), 0700), 0);
      ASSERT_EQ(bpf_obj_pin(link.get(), (directory_ + "/links/congestion").c_str()), 0);
    } else {
      ASSERT_EQ(bpf_obj_pin(bpf_map__fd(ops), (directory_ + "/congestion_ops").c_str()), 0);
    }
    flows_.reset(bpf_obj_get((directory_ + "/congestion_flows").c_str()));
    ASSERT_TRUE(flows_.valid());
    older_.reset();  // its loader ends
  }

  uint32_t registered_map() {
    const auto controls = congestion_list(directory_);
    EXPECT_TRUE(controls);
    for (const auto& control : *controls)
      if (control.pinned) return control.map_id;
    return 0;
  }

  void replace_under_a_running_flow(bool linked) {
    load_older(linked);
    const uint32_t older = registered_map();
    ASSERT_NE(older, 0U);
    BulkFlow flow(name_, Family::v4, kPort);
    flow.send_without_end();
    ASSERT_TRUE(wait_for(flow, [](const auto& now) { return now.delivered_bytes > 1000000; }));

    EXPECT_EQ(congestion_would_load(directory_, name_).value_or(CongestionLoad::nothing),
              CongestionLoad::replaced);
    EXPECT_EQ(registered_map(), older);
    const auto loaded = congestion_load(directory_, name_);
    ASSERT_TRUE(loaded) << loaded.error().text;
    EXPECT_EQ(*loaded, CongestionLoad::replaced);
    const uint32_t newer = registered_map();
    EXPECT_NE(newer, older);
    EXPECT_NE(newer, 0U);
    EXPECT_EQ(congestion_load(directory_, name_).value_or(CongestionLoad::loaded),
              CongestionLoad::nothing);

    const uint64_t before = flow.received();
    EXPECT_TRUE(wait_until([&] { return flow.received() > before + 5000000; }));
    BulkFlow fresh(name_, Family::v4, kPort + 1);
    fresh.send_without_end();
    EXPECT_TRUE(wait_for(fresh, [](const auto& now) { return now.delivered_bytes > 1000000; }));
    EXPECT_TRUE(Fd(bpf_map_get_fd_by_id(older)).valid()) << "a socket has lost its operations";
    flow.close();
    EXPECT_TRUE(wait_until([&] { return !Fd(bpf_map_get_fd_by_id(older)).valid(); }))
        << "the older version outlives its last socket";
    EXPECT_EQ(registered_map(), newer);
  }

  struct CloseObject {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  std::unique_ptr<bpf_object, CloseObject> older_;
};

std::string congestion_of(const Fd& socket) {
  char name[16] = {};
  socklen_t length = sizeof(name);
  EXPECT_EQ(getsockopt(socket.get(), IPPROTO_TCP, TCP_CONGESTION, name, &length), 0);
  return name;
}

Fd socket_with(const std::string& congestion) {
  Fd fresh(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  if (!congestion.empty()) {
    EXPECT_EQ(setsockopt(fresh.get(), IPPROTO_TCP, TCP_CONGESTION, congestion.data(),
                         static_cast<socklen_t>(congestion.size())),
              0);
  }
  return fresh;
}

sockaddr_in endpoint(const char* address, uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  inet_pton(AF_INET, address, &in.sin_addr);
  return in;
}

Fd listener(const char* address, uint16_t port, const std::string& congestion) {
  Fd fresh = socket_with(congestion);
  const sockaddr_in in = endpoint(address, port);
  EXPECT_EQ(bind(fresh.get(), reinterpret_cast<const sockaddr*>(&in), sizeof(in)), 0);
  EXPECT_EQ(::listen(fresh.get(), 4), 0);
  return fresh;
}

Choice route_choice(const char* prefix) {
  return {.kind = ChoiceKind::route, .prefix = *Prefix::parse(prefix), .endpoint = {}, .netns = {}};
}

Choice listener_choice(const char* endpoint) {
  return {.kind = ChoiceKind::listener,
          .prefix = {},
          .endpoint = *HostPort::parse(endpoint),
          .netns = {}};
}

TEST_F(CongestionLife, AnOlderVersionBehindALinkIsReplacedUnderARunningFlow) {
  replace_under_a_running_flow(true);
}

TEST_F(CongestionLife, AnOlderVersionWithoutALinkIsReplacedUnderARunningFlow) {
  replace_under_a_running_flow(false);
}

TEST_F(CongestionLife, UnloadLeavesNoMapNoProgramAndNoPin) {
  const auto ids_of = [](const char* kind) {
    std::set<std::string> ids;
    uint32_t id = 0;
    const bool maps = std::strcmp(kind, "map") == 0;
    while ((maps ? bpf_map_get_next_id(id, &id) : bpf_prog_get_next_id(id, &id)) == 0) {
      const Fd fd(maps ? bpf_map_get_fd_by_id(id) : bpf_prog_get_fd_by_id(id));
      bpf_map_info map{};
      bpf_prog_info program{};
      uint32_t length = maps ? sizeof(map) : sizeof(program);
      if (!fd.valid() || bpf_obj_get_info_by_fd(
                             fd.get(), maps ? static_cast<void*>(&map) : &program, &length) != 0)
        continue;
      const std::string name = maps ? map.name : program.name;
      if (name.starts_with("congest") || name == "sluice_ops" || name == "listeners")
        ids.insert(std::to_string(id) + " " + name);
    }
    return ids;
  };
  const auto maps = ids_of("map");
  const auto programs = ids_of("program");
  // Objects of an earlier test may be freed meanwhile.
  const auto fresh = [&](const char* kind, const std::set<std::string>& before) {
    auto now = ids_of(kind);
    for (const std::string& id : before) now.erase(id);
    return now.size();
  };
  load();
  flows_.reset();
  policies_.reset();
  endpoints_.reset();
  EXPECT_GT(fresh("map", maps), 4U);
  EXPECT_GT(fresh("program", programs), 4U);
  { BulkFlow flow(name_, Family::v4, kPort); }
  // The kernel frees the socket of an aborted flow later, and the entry with it.
  EXPECT_TRUE(wait_until([&] {
    const Fd flows(bpf_obj_get((directory_ + "/congestion_flows").c_str()));
    sluice_flow first{};
    return bpf_map_get_next_key(flows.get(), nullptr, &first) != 0;
  }));
  ASSERT_TRUE(congestion_unload(directory_, name_));
  const auto left = list_directory(directory_);
  ASSERT_TRUE(left);
  for (const std::string& name : *left)
    EXPECT_TRUE(name == "endpoints" || name == "policies" || name == "links") << name;
  EXPECT_TRUE(wait_until([&] { return fresh("map", maps) == 0; }));
  EXPECT_TRUE(wait_until([&] { return fresh("program", programs) == 0; }));
}

TEST_F(CongestionLife, ARouteSetsItForNewConnectionsAndIsRestored) {
  load();
  ASSERT_EQ(system("ip route add 198.51.100.0/24 dev lo congctl reno mtu 1400"), 0);
  ASSERT_EQ(system("ip -6 route add 2001:db8:51::/48 dev lo"), 0);
  for (const char* prefix : {"198.51.100.0/24", "2001:db8:51::/48"}) {
    const auto would = would_choose(route_choice(prefix), name_);
    ASSERT_TRUE(would) << would.error().text;
    EXPECT_TRUE(would->changed);
    EXPECT_NE(route_congestion(*Prefix::parse(prefix)).value_or(name_), name_);
    const auto chosen = choose(directory_, route_choice(prefix), name_);
    ASSERT_TRUE(chosen) << chosen.error().text;
    EXPECT_TRUE(chosen->changed);
    EXPECT_FALSE(choose(directory_, route_choice(prefix), name_)->changed);
    EXPECT_EQ(route_congestion(*Prefix::parse(prefix)).value_or(""), name_);
  }
  const Fd client = socket_with("");
  const sockaddr_in there = endpoint("198.51.100.7", 80);
  EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there)), -1);
  EXPECT_EQ(errno, EINPROGRESS);
  EXPECT_EQ(congestion_of(client), name_);
  EXPECT_EQ(system("ip route show 198.51.100.0/24 | grep -q 'mtu 1400'"), 0)
      << "another metric of the route is lost";
  EXPECT_EQ(choices(directory_)->size(), 2U);

  const auto undone = undo_choices(directory_, name_);
  ASSERT_TRUE(undone) << undone.error().text;
  EXPECT_EQ(undone->size(), 2U);
  EXPECT_EQ(route_congestion(*Prefix::parse("198.51.100.0/24")).value_or("?"), "reno");
  EXPECT_EQ(route_congestion(*Prefix::parse("2001:db8:51::/48")).value_or("?"), "");
  EXPECT_TRUE(choices(directory_)->empty());
}

TEST_F(CongestionLife, ARouteThatWasChangedSinceIsNotRestored) {
  load();
  ASSERT_EQ(system("ip route add 198.51.100.0/24 dev lo"), 0);
  ASSERT_TRUE(choose(directory_, route_choice("198.51.100.0/24"), name_));
  ASSERT_EQ(system("ip route replace 198.51.100.0/24 dev lo congctl cubic"), 0);
  EXPECT_TRUE(undo_choices(directory_, name_)->empty());
  EXPECT_EQ(route_congestion(*Prefix::parse("198.51.100.0/24")).value_or("?"), "cubic");
}

TEST_F(CongestionLife, ARouteWhoseLinkIsDownIsSetToo) {
  load();
  ASSERT_EQ(system("ip link add one type veth peer name far && ip addr add 192.0.2.7/24 dev one && "
                   "ip link set one up && ip route add 198.51.100.0/24 via 192.0.2.1 && "
                   "ip route add 203.0.113.0/24 nexthop via 192.0.2.1 nexthop via 192.0.2.2"),
            0);
  ASSERT_EQ(system("ip route show 198.51.100.0/24 | grep -q linkdown"), 0);
  for (const char* prefix : {"198.51.100.0/24", "203.0.113.0/24"}) {
    const auto chosen = choose(directory_, route_choice(prefix), name_);
    ASSERT_TRUE(chosen) << chosen.error().text;
    EXPECT_EQ(route_congestion(*Prefix::parse(prefix)).value_or("?"), name_);
  }
  EXPECT_EQ(system("[ $(ip route show 203.0.113.0/24 | grep -c 'nexthop via') = 2 ]"), 0);
}

TEST_F(CongestionLife, AChoiceThatTheKernelRefusesIsNotRecorded) {
  load();
  const Choice here{
      .kind = ChoiceKind::network_namespace, .prefix = {}, .endpoint = {}, .netns = {}};
  EXPECT_FALSE(choose(directory_, here, "nobodys_own"));
  EXPECT_TRUE(choices(directory_)->empty());
}

TEST_F(CongestionLife, OnlyRecordedChoicesAreRestored) {
  load();
  ASSERT_EQ(system("ip route add 198.51.100.0/24 dev lo congctl cubic && "
                   "ip route add 203.0.113.0/24 dev lo"),
            0);
  ASSERT_TRUE(choose(directory_, route_choice("198.51.100.0/24"), name_));
  ASSERT_TRUE(choose(directory_, route_choice("203.0.113.0/24"), name_));
  ASSERT_TRUE(unchoose(directory_, route_choice("198.51.100.0/24"), name_));
  EXPECT_EQ(route_congestion(*Prefix::parse("198.51.100.0/24")).value_or("?"), "cubic");
  EXPECT_EQ(route_congestion(*Prefix::parse("203.0.113.0/24")).value_or("?"), name_);
  EXPECT_EQ(choices(directory_)->size(), 1U);
}

TEST_F(CongestionLife, AMissingRouteIsRefusedByItsName) {
  load();
  const auto chosen = choose(directory_, route_choice("203.0.113.0/24"), name_);
  ASSERT_FALSE(chosen);
  EXPECT_NE(chosen.error().text.find("203.0.113.0/24"), std::string::npos) << chosen.error().text;
  EXPECT_TRUE(choices(directory_)->empty());
}

TEST_F(CongestionLife, AListenerOnTheEndpointPassesItToAcceptedConnections) {
  load();
  const Fd exact = listener("127.0.0.1", kPort, "reno");
  const Fd every = listener("0.0.0.0", kPort + 1, "reno");
  const Fd other = listener("127.0.0.2", kPort, "reno");
  EXPECT_FALSE(choose(directory_, listener_choice("127.0.0.1:9999"), name_));
  ASSERT_TRUE(choose(directory_, listener_choice("127.0.0.1:8080"), name_));
  ASSERT_TRUE(choose(directory_, listener_choice("127.0.0.1:8081"), name_));
  EXPECT_EQ(congestion_of(exact), name_);
  EXPECT_EQ(congestion_of(every), name_);
  EXPECT_EQ(congestion_of(other), "reno");

  const Fd client = socket_with("");
  const sockaddr_in there = endpoint("127.0.0.1", kPort);
  EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there)), -1);
  Fd accepted;
  EXPECT_TRUE(wait_until([&] {
    accepted.reset(accept(exact.get(), nullptr, nullptr));
    return accepted.valid();
  }));
  EXPECT_EQ(congestion_of(accepted), name_);

  const auto undone = undo_choices(directory_, name_);
  ASSERT_TRUE(undone) << undone.error().text;
  EXPECT_EQ(congestion_of(exact), "reno");
  EXPECT_EQ(congestion_of(every), "reno");
  EXPECT_EQ(congestion_of(accepted), name_) << "a connection keeps its congestion control";
}

TEST_F(CongestionLife, AListenerWithTheOlderVersionIsMovedToTheNewerOne) {
  load_older(true);
  const uint32_t older = registered_map();
  const Fd server = listener("127.0.0.1", kPort, "reno");
  ASSERT_TRUE(choose(directory_, listener_choice("127.0.0.1:8080"), name_));
  ASSERT_EQ(congestion_load(directory_, name_).value_or(CongestionLoad::nothing),
            CongestionLoad::replaced);
  EXPECT_EQ(congestion_of(server), name_);
  EXPECT_TRUE(wait_until([&] { return !Fd(bpf_map_get_fd_by_id(older)).valid(); }))
      << "the listener keeps the older version";
}

}  // namespace
}  // namespace sluice
