// The time of day, finer than the milliseconds of Date.now(): most answers of a local server take less than one.

/** Node's monotonic clock may run away from the wall (sleep, NTP); beyond this it is set again. Milliseconds. */
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
