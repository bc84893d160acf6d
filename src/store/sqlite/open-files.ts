// The files that SQLite has open in this process. When a process closes any descriptor of a file, POSIX releases all of
// its locks on that file, also those of SQLite: another process could then delete the write-ahead log of a recording.
// So descriptors of such files are closed only after SQLite has closed the file.
import { statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

interface OpenFile {
	connections: number;
	/** Files that are no longer read. */
	readonly waiting: FileHandle[];
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
		for (const handle of file.waiting) void handle.close();
	};
}

/** Opens a file for reading, which may be one that SQLite has open. Close it with `closeReading`. */
export async function openForReading(path: string): Promise<FileHandle> {
	const key = keyOf(statSync(path, { bigint: true }));
	return files.get(key)?.waiting.pop() ?? (await open(path));
}

/** Closes a file, if SQLite does not have it open; otherwise later. */
export async function closeReading(handle: FileHandle): Promise<void> {
	const file = files.get(keyOf(await handle.stat({ bigint: true })));
	if (file === undefined) await handle.close();
	else file.waiting.push(handle);
}
