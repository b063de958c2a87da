/// One copy of a function for each generation of vector units, chosen when the program starts.
#pragma once

// The sanitizers' run-time is not ready when such a choice is made.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define ALPHAHILL_VECTORISED __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define ALPHAHILL_VECTORISED
#endif
