// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/congestion/plots.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>

#include "benchmark/congestion/cases.h"

namespace sluice::benchmark {

namespace {

// Distinct on white, also with red-green colour blindness (Okabe, Ito 2008).
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000", "#999999"};
// Goodput is averaged over this many samples of 100 ms; single samples are too noisy.
constexpr size_t kSmoothSamples = 5;

std::string file_name(const std::string& text) {
  std::string name;
  for (const char letter : text) {
    const bool kept = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
                      (letter >= 'A' && letter <= 'Z') || letter == '.' || letter == '-';
    if (kept)
      name += letter;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  return name;
}

std::string colour(size_t index) {
  return kColours[index % std::size(kColours)];
}

// A curve of a run, and the flows that it adds up.
struct Curve {
  std::string title;
  std::vector<const FlowRecord*> flows;  // one, or all short or intermittent ones
};

std::vector<Curve> curves_of(const Outcome& outcome) {
  std::vector<Curve> curves;
  std::map<std::string, size_t> of_role;
  std::map<std::string, size_t> seen;
  const auto role_text = [](const FlowSpec& spec) -> std::string {
    switch (spec.role) {
      case Role::shorter:
        return "sum of the 100 KB flows";
      case Role::late:
        return spec.algorithm + ", late";
      case Role::heavy:
        return spec.algorithm + ", weight 3";
      case Role::light:
        return spec.algorithm + ", weight 1";
      case Role::rated:
        return spec.algorithm + ", 20 mbit by policy";
      case Role::rival:
        return spec.algorithm + ", rival";
      case Role::tested:
        break;
    }
    return spec.detour.count() > 0
               ? fmt::format("{}, {} ms more", spec.algorithm, spec.detour.count())
               : spec.algorithm;
  };
  for (const FlowRecord& flow : outcome.record.flows) {
    std::string title = role_text(flow.spec);
    const bool joined = flow.spec.role == Role::shorter || flow.spec.stop.count() > 0;
    if (joined) {
      if (const auto found = of_role.find(title); found != of_role.end()) {
        curves[found->second].flows.push_back(&flow);
        continue;
      }
      of_role[title] = curves.size();
    } else if (const size_t count = ++seen[title]; count > 1) {
      title += fmt::format(" ({})", count);
    }
    curves.push_back({title, {&flow}});
  }
  return curves;
}

std::string goodput_data(const Curve& curve, double lasts_s) {
  std::string data;
  const double step = 0.1 * kSmoothSamples;
  for (double at = step; at <= lasts_s + 0.01; at += step) {
    double mbit = 0;
    bool there = curve.flows.size() > 1;
    for (const FlowRecord* flow : curve.flows) {
      mbit += goodput_mbit(*flow, at - step, at);
      there = there || at > flow->started_s;
    }
    if (there) data += fmt::format("{:.2f} {:.3f}\n", at - step / 2, mbit);
  }
  return data;
}

std::string queue_data(const Outcome& outcome) {
  std::string data;
  for (const QueueSample& sample : outcome.record.queue)
    data += fmt::format("{:.2f} {:.3f}\n", sample.at_s, sample.delay_ms);
  return data;
}

// Algorithms side by side, goodput above queue, with the same scales.
std::string over_time(const std::vector<const Outcome*>& shown, const std::string& path) {
  const Scenario& scenario = shown.front()->scenario;
  double queue_most = 1;
  for (const Outcome* outcome : shown)
    for (const QueueSample& sample : outcome->record.queue)
      queue_most = std::max(queue_most, sample.delay_ms);
  const double lasts = std::chrono::duration<double>(scenario.lasts).count();
  std::string script = fmt::format(
      "set terminal pngcairo size {},760 font 'sans,11'\nset output '{}'\n"
      "set multiplot layout 2,{} columnsfirst title \"{}: {}, {} mbit, {} ms\" font ',13'\n"
      "set grid lc '#dddddd'\nset xrange [0:{}]\nset lmargin 9\nset rmargin 2\n",
      std::max<size_t>(shown.size(), 2) * 560, path, shown.size(), scenario.name, scenario.variant,
      scenario.rate_mbit, scenario.rtt.count(), lasts);
  for (const Outcome* outcome : shown) {
    const std::vector<Curve> curves = curves_of(*outcome);
    std::string plots;
    for (size_t i = 0; i < curves.size(); i++) {
      script += fmt::format("$curve{} << END\n{}END\n", i, goodput_data(curves[i], lasts));
      plots += fmt::format("{}$curve{} using 1:2 with lines lw 1.8 lc '{}' title \"{}\"",
                           i == 0 ? "" : ", ", i, colour(i), curves[i].title);
    }
    script += fmt::format(
        "set title \"{}\"\nset ylabel 'goodput, Mbit/s'\nset xlabel ''\nset yrange [0:{}]\n"
        "set key top right opaque box lc '#cccccc' samplen 1.5\nplot {}\nunset key\n",
        outcome->scenario.algorithm, scenario.rate_mbit * 1.5, plots);
    script += fmt::format(
        "$queue << END\n{}END\nset title ''\nset ylabel 'queueing delay, ms'\n"
        "set xlabel 'time, s'\nset yrange [0:{:.3f}]\n"
        "plot $queue using 1:2 with lines lw 1.2 lc '#444444' notitle\n",
        queue_data(*outcome), queue_most * 1.1);
  }
  return script + "unset multiplot\n";
}

// The matrix for one loss rate.
std::string over_matrix(const std::vector<const Outcome*>& shown, double loss,
                        const std::string& path) {
  std::vector<std::string> algorithms;
  std::vector<std::string> variants;
  std::map<std::pair<std::string, std::string>, std::vector<Figures>> seeds;
  std::map<std::string, std::string> labels;
  for (const Outcome* outcome : shown) {
    const Scenario& scenario = outcome->scenario;
    if (scenario.loss_percent != loss) continue;
    if (std::find(algorithms.begin(), algorithms.end(), scenario.algorithm) == algorithms.end())
      algorithms.push_back(scenario.algorithm);
    if (labels
            .emplace(scenario.variant, fmt::format("{} mbit, {} ms, {} BDP", scenario.rate_mbit,
                                                   scenario.rtt.count(), scenario.buffer_bdp))
            .second)
      variants.push_back(scenario.variant);
    seeds[{scenario.variant, scenario.algorithm}].push_back(outcome->figures);
  }
  std::string data;
  for (const std::string& variant : variants) {
    data += fmt::format("\"{}\"", labels[variant]);
    for (const std::string& algorithm : algorithms) {
      Figures middle = medians(seeds[{variant, algorithm}]);
      data += fmt::format(" {:.3f} {:.3f}", middle["utilisation"],
                          std::max(middle["queue_p95_ms"], 0.1));
    }
    data += '\n';
  }
  std::string utilisation;
  std::string queue;
  for (size_t i = 0; i < algorithms.size(); i++) {
    const auto bars = [&](size_t column, const std::string& title) {
      return fmt::format("{}$data using {}:xtic(1) lc '{}' {}", i == 0 ? "" : ", ", column,
                         colour(i), title);
    };
    utilisation += bars(2 + 2 * i, fmt::format("title \"{}\"", algorithms[i]));
    queue += bars(3 + 2 * i, "notitle");
  }
  return fmt::format(
      "set terminal pngcairo size {},900 font 'sans,11'\nset output '{}'\n$data << END\n{}END\n"
      "set multiplot title \"one flow, {} % random loss: medians\" font ',13'\n"
      "set style data histogram\nset style histogram clustered gap 1\nset style fill solid 0.9 "
      "noborder\nset grid ytics lc '#dddddd'\nset lmargin 10\nset rmargin 2\n"
      "set xtics rotate by -40 scale 0 format ''\nset key outside top right horizontal\n"
      "set size 1,0.42\nset origin 0,0.53\nset ylabel 'utilisation, % of the link's capacity'\n"
      "set yrange [0:105]\nplot {}\n"
      "set size 1,0.56\nset origin 0,0\nset bmargin 8\nset xtics format '%s'\n"
      "set ylabel 'queueing delay, 95th percentile, ms'\nset logscale y\n"
      "set yrange [0.1:*]\nunset key\nplot {}\nunset multiplot\n",
      std::max<size_t>(variants.size() * (algorithms.size() * 14 + 12) + 220, 700), path, data,
      loss, utilisation, queue);
}

Result<void> run_gnuplot(const std::string& script) {
  FILE* gnuplot = popen("gnuplot", "w");
  if (gnuplot == nullptr) return failed("gnuplot: {}", strerror(errno));
  const bool written = fwrite(script.data(), 1, script.size(), gnuplot) == script.size();
  const int status = pclose(gnuplot);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return failed("plots: gnuplot is not installed; install it with tools/install bench");
  if (!written || status != 0) return failed("plots: gnuplot rejected its script");
  return {};
}

}  // namespace

Result<void> plot(const std::vector<Outcome>& outcomes, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return failed("plots: {}: {}", directory, error.message());
  std::vector<const Outcome*> alone;
  // The first seed only: curves over time have no median.
  std::map<std::string, std::vector<const Outcome*>> meetings;
  for (const Outcome& outcome : outcomes) {
    if (outcome.scenario.name == "alone")
      alone.push_back(&outcome);
    else if (outcome.scenario.seed == 1)
      meetings[outcome.scenario.name + "-" + outcome.scenario.variant].push_back(&outcome);
  }
  for (const auto& [name, shown] : meetings) {
    const std::string path = directory + "/" + file_name(name) + ".png";
    TRY(run_gnuplot(over_time(shown, path)));
  }
  std::vector<double> losses;
  for (const Outcome* outcome : alone) losses.push_back(outcome->scenario.loss_percent);
  std::sort(losses.begin(), losses.end());
  losses.erase(std::unique(losses.begin(), losses.end()), losses.end());
  for (const double loss : losses) {
    const std::string path = fmt::format("{}/alone-loss-{}.png", directory, loss);
    TRY(run_gnuplot(over_matrix(alone, loss, path)));
  }
  return {};
}

}  // namespace sluice::benchmark
