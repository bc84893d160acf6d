// Descriptors of a file are closed after SQLite has closed the file, and are reused until then.
import { fstatSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { closeReading, isOpen, noteOpened, openForReading } from "../../../../src/store/sqlite/open-files.ts";

t.test("a descriptor waits until SQLite has closed the file", (t) => {
	const folder = t.testdir({ a: "a", b: "b" });
	const [path, other] = [join(folder, "a"), join(folder, "b")];
	const early = openForReading(path);
	const [one, two] = [noteOpened(path), noteOpened(path)];
	t.same([isOpen(path), isOpen(other)], [true, false]);
	closeReading(early);
	t.ok(fstatSync(early));
	t.equal(openForReading(path), early, "it is reused");
	const second = openForReading(path);
	t.not(second, early);
	closeReading(second);
	closeReading(early);
	one();
	t.ok(fstatSync(early), "another connection has the file open");
	const unrelated = openForReading(other);
	closeReading(unrelated);
	t.throws(() => fstatSync(unrelated), { code: "EBADF" });
	two();
	t.notOk(isOpen(path));
	t.throws(() => fstatSync(early), { code: "EBADF" });
	t.end();
});
