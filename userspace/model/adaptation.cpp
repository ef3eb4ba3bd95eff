// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/adaptation.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace sluice {

namespace {

constexpr uint64_t kResponsesMin = 30;
constexpr double kSmoothing = 0.1;  // the share of the newest figure
constexpr double kExpiryS = 60;
constexpr double kRegain = 2;  // a step back to the whole weight, of a backend without a figure
constexpr double kUsual = 1.25;
constexpr double kStepShare = 0.5;  // of the way, in proportions
constexpr double kStepMost = 2;
constexpr double kStepLeast = 1.2;
constexpr double kLarge = 1.8;
constexpr double kBudgetPerS = 0.01 / 60;
constexpr double kBudgetMost = 0.01;
constexpr int kInsists = 3;            // periods
constexpr double kPermilleLeast = 20;  // without requests there would be no more measurements
constexpr double kWhole = 1000;

double permille_of(const Measured& one) {
  return one.permille == 0 ? kWhole : one.permille;
}

double ratio(double a, double b) {
  return std::max(a / b, b / a);
}

}  // namespace

// `share_of_one`: the share of the ring of one permille of this backend.
double Adaptation::stepped(Known& known, double now, double target, double share_of_one) {
  target = std::clamp(target, kPermilleLeast, kWhole);
  const bool large = ratio(target, now) >= kLarge;
  const int insists = target > now ? 1 : -1;
  known.insists = !large ? 0 : known.insists * insists > 0 ? known.insists + insists : insists;
  if (std::abs(known.insists) >= kInsists)
    return now * std::clamp(std::pow(target / now, kStepShare), 1 / kStepMost, kStepMost);
  // Only with a full budget, so that there is one change of the ring instead of many.
  const bool usual = now == kWhole || (ratio(target, now) < kStepLeast && target < kWhole);
  if (large || usual || budget_ < 0.99 * kBudgetMost) return now;
  const double most = budget_ / share_of_one;
  const double change = std::clamp(target - now, -most, most);
  budget_ -= std::abs(change) * share_of_one;
  return now + change;
}

void Adaptation::gather(const Measured& one, double period_s) {
  Known& known = known_[one.name];
  known.responses += one.responses;
  known.response_us += one.response_us;
  known.silent_s = one.responses > 0 ? 0 : known.silent_s + period_s;
  if (known.silent_s >= kExpiryS) {
    known.responses = known.response_us = 0;
    known.mean_us = 0;
  }
  if (known.responses < kResponsesMin) return;
  const double mean =
      std::max(1.0, static_cast<double>(known.response_us) / static_cast<double>(known.responses));
  known.mean_us = known.mean_us == 0 ? mean : known.mean_us + kSmoothing * (mean - known.mean_us);
  known.responses = 0;
  known.response_us = 0;
}

std::vector<uint16_t> Adaptation::step(const std::vector<Measured>& measured, double period_s) {
  std::set<std::string> present;
  for (const Measured& one : measured) {
    present.insert(one.name);
    gather(one, period_s);
  }
  std::erase_if(known_, [&](const auto& named) { return !present.contains(named.first); });
  budget_ = std::min(kBudgetMost, budget_ + kBudgetPerS * period_s);

  std::vector<double> means;
  double total = 0;
  for (const Measured& one : measured) {
    total += one.weight * permille_of(one);
    const double mean = known_[one.name].mean_us;
    if (one.weight > 0 && mean > 0) means.push_back(mean);
  }
  double usual = 0;
  if (!means.empty()) {
    const auto middle = means.begin() + static_cast<std::ptrdiff_t>((means.size() - 1) / 2);
    std::nth_element(means.begin(), middle, means.end());
    usual = *middle;
  }

  std::vector<uint16_t> permilles;
  for (const Measured& one : measured) {
    permilles.push_back(one.permille);
    if (one.weight == 0) continue;
    const double now = permille_of(one);
    const double mean = known_[one.name].mean_us;
    double target = now;
    if (mean > 0)
      target = mean <= usual * kUsual ? kWhole : kWhole * usual / mean;
    else if (known_[one.name].silent_s >= kExpiryS)
      target = std::min(kWhole, now * kRegain);
    const double wanted = std::round(stepped(known_[one.name], now, target, one.weight / total));
    if (wanted == now) continue;
    permilles.back() = wanted == kWhole ? 0 : static_cast<uint16_t>(wanted);
  }
  return permilles;
}

double Adaptation::response_us(const std::string& name) const {
  const auto found = known_.find(name);
  return found == known_.end() ? 0 : found->second.mean_us;
}

}  // namespace sluice
