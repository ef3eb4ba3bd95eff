// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Backends that their service's mode cannot work with: refused with the reason before anything is
// written.
#include <gtest/gtest.h>

#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

class BackendChecks : public testing::Test {
 protected:
  void add(const char* name, const char* where, const ServicePatch& patch) {
    const auto added = service_add(dataplane, name, endpoint(where), patch, Apply::perform);
    ASSERT_TRUE(added) << sentence(added);
  }
  void accepts(const char* service, const char* where) {
    const auto added = add_backend(dataplane, service, where);
    EXPECT_TRUE(added) << sentence(added);
  }
  void refuses(const char* service, const char* where, const std::string& text) {
    const Memory before = dataplane.memory;
    const auto added = add_backend(dataplane, service, where);
    EXPECT_EQ(sentence(added), fmt::format("backend {} of {}: {}", where, service, text));
    ASSERT_FALSE(added);
    EXPECT_EQ(kind(added), ErrorKind::misused);
    EXPECT_EQ(dataplane.memory, before);
  }
  void way_to(const char* where, bool on_link, uint32_t mtu) {
    dataplane.routes[where] = {address("10.0.0.1"), on_link, mtu};
  }

  MemoryDataplane dataplane;
};

TEST_F(BackendChecks, OnlyEncapsulationCrossesFamilies) {
  add("l2", "203.0.113.1:80/tcp", {{&Service::mode, Mode::l2}});
  add("nat6", "[2001:db8::1]:80/tcp", {{&Service::mode, Mode::nat}});
  add("gue", "203.0.113.2:80/tcp", {{&Service::mode, Mode::gue}});
  refuses(
      "l2", "[2001:db8::11]:80",
      "mode l2 changes only the MAC, so the backend is a neighbour of the packet's family, and the "
      "service's is 203.0.113.1; give an IPv4 backend, or use a service of mode ipip");
  refuses("nat6", "10.0.0.11:80",
          "mode nat translates between addresses of one family, and the service's is 2001:db8::1; "
          "give an IPv6 backend, or use a service of mode ipip");
  accepts("gue", "[2001:db8::11]:80");
}

TEST_F(BackendChecks, OfL2AreNeighbours) {
  add("l2", "203.0.113.1:80/tcp", {{&Service::mode, Mode::l2}});
  way_to("10.0.0.11", true, 1500);
  way_to("10.9.0.11", false, 1500);
  accepts("l2", "10.0.0.11:80");
  refuses("l2", "10.9.0.11:80",
          "is on no segment of this host, and mode l2 changes only the MAC; use a service of mode "
          "ipip or gue (ip route get 10.9.0.11)");
  add("ipip", "203.0.113.2:80/tcp", {{&Service::mode, Mode::ipip}});
  accepts("ipip", "10.9.0.11:80");
}

TEST_F(BackendChecks, OfNatAnswerForOneServiceEach) {
  add("one", "203.0.113.1:80/tcp", {{&Service::mode, Mode::nat}});
  add("two", "203.0.113.2:80/tcp", {{&Service::mode, Mode::nat}});
  add("any", "203.0.113.3:0/tcp", {{&Service::mode, Mode::nat}});
  add("udp", "203.0.113.2:80/udp", {{&Service::mode, Mode::nat}});
  add("snat", "203.0.113.4:80/tcp", {{&Service::mode, Mode::snat}});
  accepts("one", "10.0.0.11:80");
  const std::string either =
      ", in mode nat too, and a reply from there could be of either; give another port, or use "
      "mode "
      "snat";
  refuses("two", "10.0.0.11:80", "10.0.0.11:80 is a backend of service one" + either);
  refuses("any", "10.0.0.11:0", "10.0.0.11:80 is a backend of service one" + either);
  accepts("two", "10.0.0.11:81");
  accepts("udp", "10.0.0.11:80");
  accepts("snat", "10.0.0.11:80");
  accepts("any", "10.0.0.12:0");
  refuses("one", "10.0.0.12:80", "10.0.0.12:0 is a backend of service any" + either);
  ASSERT_TRUE(backend_remove(dataplane, "one", at("10.0.0.11:80"), Apply::perform));
  accepts("two", "10.0.0.11:80");
}

TEST_F(BackendChecks, OfNatAreNoEndpointOfAServiceHere) {
  add("one", "203.0.113.1:80/tcp", {{&Service::mode, Mode::nat}});
  add("two", "203.0.113.2:80/tcp", {{&Service::mode, Mode::ipip}});
  refuses("one", "203.0.113.2:80",
          "is the endpoint of service two here, and in mode nat packets from there would be taken "
          "for its replies; use another mode");
  accepts("one", "203.0.113.2:81");
  const auto service = add_service(dataplane, "three", "203.0.113.2:81/tcp", Mode::ipip);
  EXPECT_EQ(
      sentence(service),
      "service three: 203.0.113.2:81/tcp is a backend of service one, in mode nat, and packets "
      "from there are taken for its replies");
  ASSERT_FALSE(service);
}

TEST_F(BackendChecks, HaveNoPortWhereTheServiceHasAny) {
  add("any", "203.0.113.1:0/tcp", {});
  add("web", "203.0.113.2:80/tcp", {});
  refuses("any", "10.0.0.11:80",
          "the service takes any port, and its backends get the port that the client asked for; "
          "write 10.0.0.11:0");
  refuses("web", "10.0.0.11:0",
          "port 0 is for services of any port, and the service's is 80; write a port");
  accepts("any", "10.0.0.11:0");
  EXPECT_EQ(dataplane.memory.records.at(1).at, at("10.0.0.11:0"));
}

TEST_F(BackendChecks, AreNotInTheServicesOwnPrefix) {
  add("all", "203.0.113.0/24:80/tcp", {{&Service::mode, Mode::ipip}});
  refuses("all", "203.0.113.77:80",
          "is the service's own endpoint, so its packets would loop for ever");
  accepts("all", "203.0.113.77:81");
}

TEST_F(BackendChecks, CanBeSentWhatMustFitOnceItIsEncapsulated) {
  add("ipip", "203.0.113.1:80/tcp", {{&Service::mode, Mode::ipip}});
  add("ipip6", "[2001:db8::1]:80/tcp", {{&Service::mode, Mode::ipip}});
  add("gue6", "[2001:db8::2]:80/tcp", {{&Service::mode, Mode::gue}, {&Service::gue_variant, 0}});
  add("snat", "203.0.113.2:80/tcp", {{&Service::mode, Mode::snat}});
  way_to("10.0.0.11", true, 595);
  refuses("ipip", "10.0.0.11:80",
          "the MTU there is 595, and an IPv4 packet of 576 bytes, which must fit, has 596 with the "
          "outer headers of mode ipip; raise the MTU (ip route get 10.0.0.11)");
  accepts("snat", "10.0.0.11:80");
  way_to("10.0.0.11", true, 596);
  accepts("ipip", "10.0.0.11:80");
  way_to("2001:db8::11", true, 1319);
  refuses("ipip6", "[2001:db8::11]:80",
          "the MTU there is 1319, and an IPv6 packet of 1280 bytes, which must fit, has 1320 with "
          "the outer headers of mode ipip; raise the MTU (ip route get 2001:db8::11)");
  way_to("2001:db8::11", true, 1331);
  refuses("gue6", "[2001:db8::11]:80",
          "the MTU there is 1331, and an IPv6 packet of 1280 bytes, which must fit, has 1332 with "
          "the outer headers of mode gue; raise the MTU (ip route get 2001:db8::11)");
  accepts("ipip6", "[2001:db8::11]:80");
}

}  // namespace
}  // namespace sluice::test
