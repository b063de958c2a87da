#include "alphahill/base/best_effort.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "alphahill/base/error.hpp"
#include "support/captured_log.hpp"

namespace alphahill {
namespace {

TEST(BestEffort, WorkThatSucceedsSaysNothing) {
  const CapturedLog log;
  bool done = false;
  EXPECT_TRUE(best_effort([&] { done = true; }, "nothing is assumed"));
  EXPECT_TRUE(done);
  EXPECT_EQ(log.text(), "");
}

TEST(BestEffort, EveryStandardExceptionIsOneWarning) {
  for (const std::function<void()>& failing :
       std::vector<std::function<void()>>{[] { throw Error(Fault::internal, "dsterf", "did not converge"); },
                                          [] { throw std::runtime_error("dsterf: did not converge"); }}) {
    const CapturedLog log;
    EXPECT_FALSE(best_effort(failing, "usual rates are assumed"));
    EXPECT_EQ(log.text(), "warning: dsterf: did not converge; usual rates are assumed\n");
  }
}

TEST(BestEffort, WhatIsNotAnErrorOfOursIsToldTooAndAnEmptyTextIsAFailure) {
  EXPECT_EQ(failure_of([] { throw std::bad_alloc(); }), std::bad_alloc().what());
  EXPECT_EQ(failure_of([] { throw std::runtime_error(""); }), "");
  EXPECT_EQ(failure_of([] {}), std::nullopt);
}

}  // namespace
}  // namespace alphahill
