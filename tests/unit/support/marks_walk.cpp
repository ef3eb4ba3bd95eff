// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/support/marks_walk.h"

#include <algorithm>

namespace sluice::simulation {

namespace {

constexpr uint32_t kWindow = 20;  // packets; a sequence number each

}  // namespace

MarksWalk::MarksWalk(Echo echo, Network network, uint64_t seed, uint32_t first_sequence)
    : echo_(echo),
      network_(network),
      random_(seed),
      una_(first_sequence),
      next_(first_sequence),
      expected_(first_sequence) {
  marks_.share = MARKS_ALL;
}

void MarksWalk::run(int steps) {
  for (int i = 0; i < steps; i++) {
    switch (std::uniform_int_distribution<>(0, 2)(random_)) {
      case 0:
        if (next_ - una_ < kWindow) send(next_++, false);
        break;
      case 1:
        if (!forth_.empty()) receive();
        break;
      default:
        if (!back_.empty()) {
          hear();
        } else if (forth_.empty() && next_ - una_ == kWindow) {  // the retransmission timer
          if (unreported_ > 0) {
            acknowledge();
          } else {
            reduce();
            send(una_, true);
          }
        }
    }
  }
}

// In order or not.
template <typename T>
T MarksWalk::take(std::deque<T>& way) {
  const size_t most = happens(network_.reordered) ? std::min<size_t>(way.size(), 6) : 1;
  const auto taken = way.begin() + std::uniform_int_distribution<std::ptrdiff_t>(
                                       0, static_cast<std::ptrdiff_t>(most) - 1)(random_);
  const T one = *taken;
  way.erase(taken);
  return one;
}

void MarksWalk::send(uint32_t sequence, bool again) {
  const bool answer = answer_due_ && !again;
  if (answer) answer_due_ = false;
  if (happens(network_.lost)) return;
  forth_.push_back({sequence, !again && happens(network_.marked), answer});
}

void MarksWalk::receive() {
  const Packet packet = take(forth_);
  bool at_once = false;
  if (echo_ == Echo::accurate) {
    if (packet.marked != echoing_ && unreported_ > 0) acknowledge();
    at_once = packet.marked != echoing_;
    echoing_ = packet.marked;
  } else {
    echoing_ = (echoing_ && !packet.answer) || packet.marked;
  }
  unreported_++;
  if (packet.sequence - expected_ < kWindow) early_.insert(packet.sequence);
  while (early_.erase(expected_) != 0) expected_++;
  if (at_once || unreported_ >= 2 || !early_.empty()) acknowledge();
}

void MarksWalk::acknowledge() {
  unreported_ = 0;
  if (!happens(network_.lost)) back_.push_back({expected_, echoing_, !early_.empty()});
}

// As the kernel does: once for all packets sent before.
void MarksWalk::reduce() {
  if (reducing_) return;
  reducing_ = true;
  reduced_until_ = next_;
  answer_due_ = true;
  answers_++;
  marks_on_answer(&marks_, una_, next_);
}

void MarksWalk::hear() {
  const Acknowledgement heard = take(back_);
  const auto ahead = static_cast<int32_t>(heard.sequence - una_);
  if (ahead < 0) return;  // an old acknowledgement
  una_ = heard.sequence;
  duplicates_ = ahead > 0 ? 0 : duplicates_ + 1;
  if (reducing_ && static_cast<int32_t>(una_ - reduced_until_) > 0) reducing_ = false;
  if (heard.echo) reduce();
  if (heard.missing && duplicates_ % 4 == 3) {
    reduce();
    send(una_, true);
  }
  const marks_ack ack{
      .acknowledged = una_,
      .marked_packets = heard.echo ? 1U : 0U,
      .in_order = ahead > 0 && !heard.missing,
  };
  marks_on_ack(&marks_, &ack);
  most_confidence_ = std::max<int>(most_confidence_, marks_.confidence);
}

}  // namespace sluice::simulation
