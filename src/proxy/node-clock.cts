// Loaded first by Node processes of a command that is to see another time: moves what `Date` takes for now by FLOWTAPE_CLOCK_OFFSET
// seconds. Only Date is moved: timers, and the dates of certificates, go by the real time. CommonJS, in words that old Nodes understand.

const offsetMs = Number(process.env.FLOWTAPE_CLOCK_OFFSET || 0) * 1000;
/** The real time when the command was started. */
const startedMs = Number(process.env.FLOWTAPE_CLOCK_STARTED || 0) * 1000;
const isMoved = Math.abs(Date.now() - startedMs - offsetMs) < Math.abs(Date.now() - startedMs);

// libfaketime may have moved the whole process already
if (offsetMs && !isMoved) {
	const RealDate = Date;
	const now = (): number => RealDate.now() + offsetMs;
	const ShiftedDate = function (this: unknown, ...args: unknown[]): unknown {
		if (!new.target) return new RealDate(now()).toString();
		return Reflect.construct(RealDate, args.length === 0 ? [now()] : args, new.target === ShiftedDate ? RealDate : new.target);
	};
	Object.defineProperties(ShiftedDate, {
		...Object.getOwnPropertyDescriptors(RealDate),
		now: { value: now, writable: true, configurable: true, enumerable: false },
	});
	Object.defineProperty(RealDate.prototype, "constructor", { value: ShiftedDate, writable: true, configurable: true, enumerable: false });
	Reflect.set(globalThis, "Date", ShiftedDate);
}
