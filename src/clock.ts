// The current time, more precise than a millisecond: a local server often responds in less than one.

/**
 * The monotonic clock can drift from the wall clock (sleep, NTP). If they differ by more than this many milliseconds,
 * the wall clock corrects the monotonic one.
 */
const DRIFT_MS = 20;

let origin = performance.timeOrigin;

/** Seconds since 1970, with fractions. */
export function now(): number {
	const wall = Date.now();
	let fine = origin + performance.now();
	if (fine - wall > DRIFT_MS || wall - fine > DRIFT_MS) {
		origin += wall - fine;
		fine = wall;
	}
	return fine / 1000;
}
