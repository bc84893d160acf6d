// Descriptors of a file are closed after SQLite has closed the file, and are reused until then.
import { fstatSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { closeReading, isOpen, noteOpened, openForReading } from "../../../../src/store/sqlite/open-files.ts";

t.test("a descriptor waits until SQLite has closed the file", async (t) => {
	const folder = t.testdir({ a: "a", b: "b" });
	const [path, other] = [join(folder, "a"), join(folder, "b")];
	const early = await openForReading(path);
	const [one, two] = [noteOpened(path), noteOpened(path)];
	t.same([isOpen(path), isOpen(other)], [true, false]);
	const { fd } = early;
	await closeReading(early);
	t.ok(fstatSync(fd));
	const again = await openForReading(path);
	t.equal(again.fd, fd, "it is reused");
	const second = await openForReading(path);
	t.not(second.fd, fd);
	await closeReading(second);
	await closeReading(again);
	one();
	t.ok(fstatSync(fd), "another connection has the file open");
	const unrelated = await openForReading(other);
	await closeReading(unrelated);
	t.equal(unrelated.fd, -1);
	two();
	t.notOk(isOpen(path));
	t.equal(again.fd, -1);
});
