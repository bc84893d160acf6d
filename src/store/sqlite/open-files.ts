// The files that SQLite has open in this process. When a process closes any descriptor of a file, POSIX releases all of
// its locks on that file, also those of SQLite: another process could then delete the write-ahead log of a recording.
// So descriptors of such files are closed only after SQLite has closed the file.
import { closeSync, fstatSync, openSync, statSync } from "node:fs";

interface OpenFile {
	connections: number;
	/** Descriptors that are no longer read. */
	readonly waiting: number[];
}

/** By device and inode. */
const files = new Map<string, OpenFile>();

function keyOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
	return `${dev}:${ino}`;
}

/** Whether SQLite has a file open. The file must exist. */
export function isOpen(path: string): boolean {
	return files.has(keyOf(statSync(path, { bigint: true })));
}

/** Call when SQLite has opened a file. Call the returned function when it has closed it. */
export function noteOpened(path: string): () => void {
	const key = keyOf(statSync(path, { bigint: true }));
	const file = files.get(key) ?? { connections: 0, waiting: [] };
	files.set(key, file);
	file.connections++;
	return () => {
		if (--file.connections > 0) return;
		files.delete(key);
		for (const descriptor of file.waiting) closeSync(descriptor);
	};
}

/** Opens a file for reading, which may be one that SQLite has open. Close the descriptor with `closeReading`. */
export function openForReading(path: string): number {
	const key = keyOf(statSync(path, { bigint: true }));
	return files.get(key)?.waiting.pop() ?? openSync(path, "r");
}

/** Closes a descriptor, if SQLite does not have its file open; otherwise later. */
export function closeReading(descriptor: number): void {
	const file = files.get(keyOf(fstatSync(descriptor, { bigint: true })));
	if (file === undefined) closeSync(descriptor);
	else file.waiting.push(descriptor);
}
