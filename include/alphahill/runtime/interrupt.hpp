/// Signals that ask a run to stop early: SIGINT, SIGTERM and SIGUSR1.
#pragma once

namespace alphahill {

/// From now on they are only noted; but a second SIGINT ends the process as usual. Journal records are on disk
/// before they count, so that nothing finished is lost then either.
void note_stop_signals();

/// Ignores them: rank 0 alone decides when a run stops.
void ignore_stop_signals();

/// Has such a signal come?
bool stop_requested();

}  // namespace alphahill
