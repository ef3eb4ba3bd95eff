// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Invariants of the decisions of bpf/pure/tracking.h, over all possible questions. The random walk
// (tracking_walk_test.cpp) tests that connections keep their backend.
#include "pure/tracking.h"

#include <gtest/gtest.h>

#include <functional>

namespace {

constexpr uint8_t kStates[] = {SLUICE_BACKEND_UP, SLUICE_BACKEND_DRAINING, SLUICE_BACKEND_DOWN};

// All questions about four different backends, each of which may be missing.
void for_each_question(const std::function<void(const tracking_question&)>& see) {
  std::vector<std::vector<tracking_choice>> choices;
  for (uint32_t backend = 1; backend <= 4; backend++) {
    choices.push_back({{0, 0, false}});
    for (const uint8_t state : kStates) {
      choices.back().push_back({backend, state, false});
      if (backend > 2) choices.back().push_back({backend, state, true});
    }
  }
  for (const auto packet : {TRACKING_OPENS, TRACKING_CONTINUES, TRACKING_DATAGRAM}) {
    for (const bool fresh : {false, true}) {
      for (const auto& backend : choices[0]) {
        for (const auto& previous : choices[1]) {
          for (const auto& half_open : choices[2]) {
            for (const auto& established : choices[3]) {
              see({packet, fresh, backend, previous, half_open, established});
            }
          }
        }
      }
    }
  }
}

const tracking_choice& choice_with(const tracking_question& question, uint32_t backend) {
  for (const auto* each : {&question.backend, &question.previous, &question.half_open}) {
    if (each->backend == backend) return *each;
  }
  return question.established;
}

TEST(Tracking, ABackendThatIsDownIsNeverTracked) {
  for_each_question([](const tracking_question& question) {
    const tracking_answer answer = tracking_decide(&question);
    if (answer.note == TRACKING_NOTHING) return;
    ASSERT_NE(answer.backend, 0U);
    ASSERT_NE(choice_with(question, answer.backend).state, SLUICE_BACKEND_DOWN);
  });
}

TEST(Tracking, AnAnswerThatIsNotTrackedIsTrackedAlreadyOrDown) {
  for_each_question([](const tracking_question& question) {
    const tracking_answer answer = tracking_decide(&question);
    if (answer.note != TRACKING_NOTHING || answer.backend == 0) return;
    const bool known = answer.backend == question.half_open.backend ||
                       answer.backend == question.established.backend;
    ASSERT_TRUE(known || choice_with(question, answer.backend).state == SLUICE_BACKEND_DOWN);
  });
}

// bpf/steer/flow_table.h relies on this: it skips the look-up in half_open.
TEST(Tracking, AnEstablishedFlowIgnoresHalfOpenEntries) {
  for_each_question([](tracking_question question) {
    if (question.packet != TRACKING_CONTINUES || question.established.backend == 0) return;
    const tracking_answer answer = tracking_decide(&question);
    ASSERT_EQ(answer.backend, question.established.backend);
    ASSERT_EQ(answer.note, TRACKING_NOTHING);
  });
}

TEST(Tracking, NoConnectionBeginsWithABackendThatIsNotUp) {
  for_each_question([](const tracking_question& question) {
    if (question.packet != TRACKING_OPENS) return;
    const tracking_answer answer = tracking_decide(&question);
    ASSERT_TRUE(answer.backend == question.backend.backend ||
                choice_with(question, answer.backend).state == SLUICE_BACKEND_UP);
  });
}

TEST(Tracking, AFlowIsSilentOnlyAfterTheTimeOut) {
  EXPECT_FALSE(tracking_silent(1000, 940, 60));
  EXPECT_TRUE(tracking_silent(1001, 940, 60));
  EXPECT_FALSE(tracking_silent(1000, 1001, 60));
  EXPECT_FALSE(tracking_silent(0, 1, 0));
}

}  // namespace
