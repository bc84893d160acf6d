// The part of a scrolled element that is in sight.
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** Offset and height of the part in sight, in pixels. */
export interface Sight {
	readonly top: number;
	readonly height: number;
}

/**
 * The part of an element that is in sight, kept up to date when its size changes.
 * @param headHeight the height of its sticky head in pixels
 * @returns the part, and a function that reads it again, for scrolling
 */
export function useSight(scroller: RefObject<HTMLElement | null>, headHeight = 0): [Sight, () => void] {
	const [sight, setSight] = useState<Sight>({ top: 0, height: 600 });
	const read = () => {
		const element = scroller.current;
		if (element !== null) setSight({ top: element.scrollTop, height: element.clientHeight - headHeight });
	};
	useLayoutEffect(() => {
		const observer = new ResizeObserver(read);
		if (scroller.current !== null) observer.observe(scroller.current);
		return () => observer.disconnect();
	}, []);
	return [sight, read];
}
