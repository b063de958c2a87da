/// Whether a test runs under the sanitizers, where it takes ten times as long: it then takes fewer cases of a kind.
#pragma once

namespace alphahill {

#ifdef ALPHAHILL_UNDER_SANITIZERS
inline constexpr bool under_sanitizers = true;
#else
inline constexpr bool under_sanitizers = false;
#endif

}  // namespace alphahill
