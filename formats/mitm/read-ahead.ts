// The next chunk is read while the last one is worked on.

/** The same chunks, each asked for before the one before it is given. */
export async function* readAhead<T>(chunks: AsyncIterable<T>): AsyncGenerator<T> {
	const iterator = chunks[Symbol.asyncIterator]();
	let next = ask(iterator);
	try {
		for (;;) {
			const { value, done } = await next;
			if (done) return;
			next = ask(iterator);
			yield value;
		}
	} finally {
		await next.catch(() => {});
		await iterator.return?.();
	}
}

/** A failure is told when its turn comes. */
function ask<T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T>> {
	const next = iterator.next();
	next.catch(() => {});
	return next;
}
