// Which rows of a long list are in sight. Browsers limit the height of an element, so very long lists are scaled.

/** The largest height of an element in pixels: Firefox's limit is near 18 million. */
export const MAX_HEIGHT = 15_000_000;

export interface RowWindow {
	/** The first row in sight, and the number of rows. */
	readonly from: number;
	readonly count: number;
	/** Where the first row stands in the scrolled element, in pixels. */
	readonly top: number;
}

/** The height of a list in pixels. */
export function heightOf(total: number, rowHeight: number): number {
	return Math.min(total * rowHeight, MAX_HEIGHT);
}

/** The first row in sight, which may be cut, and the number of rows that fit; both with fractions. */
function placeOf(scrollTop: number, viewHeight: number, total: number, rowHeight: number) {
	const fitting = viewHeight / rowHeight;
	const scrollable = Math.max(heightOf(total, rowHeight) - viewHeight, 1);
	const isScaled = total * rowHeight > MAX_HEIGHT;
	const first = isScaled ? (scrollTop / scrollable) * Math.max(total - fitting, 0) : scrollTop / rowHeight;
	return { first, fitting, scrollable, isScaled };
}

/** The rows in sight of a list that is scrolled to `scrollTop`. */
export function windowOf(scrollTop: number, viewHeight: number, total: number, rowHeight: number): RowWindow {
	const { first, fitting, isScaled } = placeOf(scrollTop, viewHeight, total, rowHeight);
	const from = Math.max(0, Math.min(Math.floor(first), total - 1));
	const count = Math.max(0, Math.min(Math.ceil(fitting) + 1, total - from));
	return { from, count, top: isScaled ? scrollTop - (first - from) * rowHeight : from * rowHeight };
}

/** Where to scroll so that a row is in sight; null: it is. */
export function scrollTo(
	row: number,
	scrollTop: number,
	viewHeight: number,
	total: number,
	rowHeight: number,
): number | null {
	const { first, fitting, scrollable, isScaled } = placeOf(scrollTop, viewHeight, total, rowHeight);
	const wanted = row < first ? row : row + 1 > first + fitting ? row + 1 - fitting : null;
	if (wanted === null) return null;
	return isScaled ? (wanted / Math.max(total - fitting, 1)) * scrollable : wanted * rowHeight;
}
