// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/support/share_walk.h"

#include <algorithm>

#include "pure/fair_share.h"

namespace sluice::test {
namespace {

constexpr uint64_t start_ns = 100 * SLUICE_NS_PER_SEC;
constexpr uint64_t repeat_ns = SLUICE_NS_PER_SEC / 20;  // a sender whose packet was dropped

}  // namespace

ShareWalk::ShareWalk(uint64_t rate_bytes_per_sec, std::vector<Sender> senders)
    : senders_(std::move(senders)), flows_(senders_.size()), left_(senders_.size()) {
  share_set_rate(&share_, rate_bytes_per_sec);
  for (size_t i = 0; i < senders_.size(); i++) {
    flows_[i].weight = senders_[i].weight;
    const uint32_t packets = senders_[i].bytes_per_sec == 0 ? senders_[i].packets : 1;
    for (uint32_t packet = 0; packet < packets; packet++) {
      arrivals_.push({start_ns + senders_[i].from_ns + packet * uint64_t{2000}, i});
    }
  }
}

// As edt_give() (bpf/pace/edt.h).
uint64_t ShareWalk::send(size_t sender, uint64_t now_ns) {
  sluice_departure& flow = flows_[sender];
  const uint32_t bytes = senders_[sender].bytes;
  share_watch(&share_, now_ns);
  const uint64_t gap_ns = gcra_cost_ns(bytes, share_.unit_rate_bytes_per_sec * flow.weight);
  share_measure(&share_, &flow, now_ns, bytes, gap_ns);
  const uint64_t turn_ns = departure_take(&flow.departs_ns, now_ns, 0, gap_ns);
  if (turn_ns == DEPARTURE_NEVER) return 0;
  const uint64_t booked_ns = share_book(&share_, now_ns, turn_ns, bytes);
  if (booked_ns == DEPARTURE_NEVER) {
    flow.departs_ns -= gap_ns;
    return 0;
  }
  flow.departs_ns += share_delay_ns(turn_ns, booked_ns, gap_ns);
  left_[sender].push_back({booked_ns, bytes});
  return booked_ns;
}

void ShareWalk::come(const Arrival& arrival) {
  const Sender& sender = senders_[arrival.sender];
  if (arrival.at_ns > start_ns + sender.until_ns && sender.until_ns != UINT64_MAX) return;
  const uint32_t packets = sender.bytes_per_sec == 0 ? 1 : sender.burst;
  uint64_t leaves_ns = 0;
  for (uint32_t i = 0; i < packets; i++) {
    leaves_ns = send(arrival.sender, arrival.at_ns);
    if (leaves_ns == 0) dropped_++;
  }
  uint64_t next_ns = arrival.at_ns + repeat_ns;
  if (sender.bytes_per_sec != 0) {
    const uint64_t even_ns = gcra_cost_ns(packets * sender.bytes, sender.bytes_per_sec);
    next_ns = arrival.at_ns + even_ns * (90 + random_() % 21) / 100;
  } else if (leaves_ns != 0) {
    next_ns = leaves_ns + sender.answer_ns + random_() % 20'000;
  }
  arrivals_.push({next_ns, arrival.sender});
}

void ShareWalk::play_until(uint64_t ns) {
  while (!arrivals_.empty() && arrivals_.top().at_ns < start_ns + ns) {
    const Arrival arrival = arrivals_.top();
    arrivals_.pop();
    come(arrival);
  }
}

double ShareWalk::part(size_t sender, uint64_t from_ns, uint64_t to_ns) const {
  double bytes = 0;
  for (const Left& packet : left_[sender]) {
    if (packet.at_ns >= start_ns + from_ns && packet.at_ns < start_ns + to_ns) {
      bytes += packet.bytes;
    }
  }
  return bytes * 1e9 /
         (static_cast<double>(share_.rate_bytes_per_sec) * static_cast<double>(to_ns - from_ns));
}

double ShareWalk::total(uint64_t from_ns, uint64_t to_ns) const {
  double sum = 0;
  for (size_t i = 0; i < senders_.size(); i++) sum += part(i, from_ns, to_ns);
  return sum;
}

double ShareWalk::most_in(uint64_t ns) const {
  std::vector<Left> all;
  for (const auto& of_one : left_) all.insert(all.end(), of_one.begin(), of_one.end());
  std::sort(all.begin(), all.end(), [](const Left& a, const Left& b) { return a.at_ns < b.at_ns; });
  double bytes = 0;
  double most = 0;
  size_t first = 0;
  for (const Left& packet : all) {
    bytes += packet.bytes;
    while (all[first].at_ns + ns <= packet.at_ns) bytes -= all[first++].bytes;
    most = std::max(most, bytes);
  }
  return most * 1e9 / (static_cast<double>(share_.rate_bytes_per_sec) * static_cast<double>(ns));
}

}  // namespace sluice::test
