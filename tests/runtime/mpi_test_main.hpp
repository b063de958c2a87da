/// The main of a test that every rank runs.
#pragma once

#include <gtest/gtest.h>

#include "alphahill/runtime/mpi_session.hpp"

namespace alphahill {

/// Runs all tests with MPI in `mpi`; what other ranks than 0 have to say is not printed, but counts.
/// @return the exit code
inline int run_tests_on_all_ranks(int argc, char** argv, MpiSession*& mpi) {
  MpiSession session(argc, argv);
  mpi = &session;
  testing::InitGoogleTest(&argc, argv);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (session.rank() != 0) delete listeners.Release(listeners.default_result_printer());
  return RUN_ALL_TESTS();
}

}  // namespace alphahill
