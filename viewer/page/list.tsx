// The list of flows: only the rows in sight exist. It has one tab stop; the cursor moves by keys.
import { useEffect, useRef } from "preact/hooks";
import { durationText, plain, sizeText, timeText, urlText } from "./format.ts";
import { FLAG, ROW_COLUMNS, type Row, type RowColumn } from "./protocol.ts";
import { useSight } from "./sight.ts";
import {
	cursor,
	go,
	isFollowing,
	moveTo,
	openRow,
	place,
	rowAt,
	rowsVersion,
	selection,
	tape,
	total,
	unseen,
	wantRows,
} from "./state.ts";
import { heightOf, scrollTo, windowOf } from "./window.ts";

/** The height of a row, and of the head, in pixels, as in page.css. */
const ROW_HEIGHT = 24;

const INDEX = Object.fromEntries(ROW_COLUMNS.map((name, index) => [name, index])) as Record<RowColumn, number>;

export function cellOf(row: Row, column: RowColumn): string | number | null {
	return row[INDEX[column]] ?? null;
}

interface ListColumn {
	readonly name: string;
	readonly title: string;
	/** The column of the server that sorts; undefined: it cannot. */
	readonly sort?: string;
	readonly text: (row: Row) => string;
}

const textOf = (row: Row, column: RowColumn) => plain(String(cellOf(row, column) ?? ""));
const numberText = (value: string | number | null, format: (value: number) => string) =>
	typeof value === "number" ? format(value) : "";

const COLUMNS: readonly ListColumn[] = [
	{ name: "n", title: "#", text: (row) => String(cellOf(row, "seq")) },
	{ name: "time", title: "Time", sort: "started", text: (row) => numberText(cellOf(row, "started"), timeText) },
	{
		name: "method",
		title: "Method",
		sort: "method",
		text: (row) => (cellOf(row, "kind") === "http" ? textOf(row, "method") : textOf(row, "kind").toUpperCase()),
	},
	{
		name: "url",
		title: "URL",
		sort: "path",
		text: (row) =>
			plain(
				urlText(
					cellOf(row, "scheme") as string | null,
					cellOf(row, "host") as string | null,
					cellOf(row, "port") as number | null,
					cellOf(row, "path") as string | null,
				),
			),
	},
	{ name: "status", title: "Status", sort: "status", text: statusText },
	{ name: "type", title: "Type", sort: "type", text: (row) => textOf(row, "type").replace(/;.*/s, "") },
	{ name: "size", title: "Size", sort: "size", text: (row) => numberText(cellOf(row, "size"), sizeText) },
	{
		name: "duration",
		title: "Duration",
		sort: "duration",
		text: (row) => numberText(cellOf(row, "duration"), durationText),
	},
];

function statusText(row: Row): string {
	const flags = Number(cellOf(row, "flags"));
	const status = cellOf(row, "status");
	const notes = [
		(flags & FLAG.websocket) !== 0 ? "WS" : "",
		(flags & FLAG.replayed) !== 0 ? "↻" : "",
		(flags & FLAG.error) !== 0 ? "error" : "",
	];
	return [status === null ? "–" : String(status), ...notes].filter((text) => text !== "").join(" ");
}

function statusClass(row: Row): string {
	const status = cellOf(row, "status");
	const isFailed = (Number(cellOf(row, "flags")) & FLAG.error) !== 0;
	if (isFailed || (typeof status === "number" && status >= 500)) return "bad";
	return typeof status === "number" && status >= 400 ? "warn" : "";
}

export function FlowList() {
	const scroller = useRef<HTMLDivElement>(null);
	const [view, readView] = useSight(scroller, ROW_HEIGHT);
	// subscribes to changes of rows
	rowsVersion.value;
	const count = total.value;
	const shown = windowOf(view.top, view.height, count, ROW_HEIGHT);

	useEffect(() => wantRows(shown.from, shown.count), [shown.from, shown.count, rowsVersion.value]);
	// keeps the cursor in sight
	useEffect(() => {
		const element = scroller.current;
		if (element === null || count === 0) return;
		const top = scrollTo(cursor.value, element.scrollTop, element.clientHeight - ROW_HEIGHT, count, ROW_HEIGHT);
		if (top !== null) element.scrollTop = top;
	}, [cursor.value, place.value.q, place.value.sort, view.height]);
	// stays at the end
	useEffect(() => {
		const element = scroller.current;
		if (element !== null && isFollowing.value) element.scrollTop = element.scrollHeight;
	}, [count, isFollowing.value]);

	const onScroll = () => {
		const element = scroller.current;
		if (element === null) return;
		const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - ROW_HEIGHT;
		if (!isAtEnd && element.scrollTop < view.top) isFollowing.value = false;
		if (isAtEnd) unseen.value = 0;
		readView();
	};
	const rows = Array.from({ length: shown.count }, (_, i) => shown.from + i);
	return (
		<div class="list">
			<div
				class="grid"
				role="grid"
				aria-label="Flows"
				aria-rowcount={count + 1}
				aria-colcount={COLUMNS.length}
				aria-multiselectable="true"
				aria-activedescendant={rowAt(cursor.value) === undefined ? undefined : `row-${cursor.value}`}
				tabIndex={0}
				ref={scroller}
				onScroll={onScroll}
				id="list"
			>
				<div class="head row" role="row" aria-rowindex={1}>
					{COLUMNS.map((column) => (
						<Heading key={column.name} column={column} />
					))}
				</div>
				<div class="rows" role="presentation" style={{ height: `${heightOf(count, ROW_HEIGHT)}px` }}>
					<div class="sight" role="presentation" style={{ transform: `translateY(${shown.top}px)` }}>
						{rows.map((index) => (
							<FlowRow key={index} index={index} row={rowAt(index)} />
						))}
					</div>
				</div>
			</div>
			{count === 0 && (
				<p class="empty">{tape.value?.total === 0 ? "The tape has no flows yet." : "No flow matches."}</p>
			)}
			{unseen.value > 0 && (
				<button type="button" class="pill" onClick={() => followEnd()}>
					{unseen.value} new
				</button>
			)}
		</div>
	);
}

/** Shows the end of the list, and stays there. */
export function followEnd(): void {
	isFollowing.value = true;
	unseen.value = 0;
	moveTo(total.value - 1);
}

function Heading({ column: { title, sort, name } }: { column: ListColumn }) {
	const { sort: current } = place.value;
	const direction = current === sort ? "ascending" : current === `-${sort}` ? "descending" : "none";
	if (sort === undefined)
		return (
			<div role="columnheader" class={`cell ${name}`}>
				{title}
			</div>
		);
	// ascending, descending, tape order
	const next = direction === "none" ? sort : direction === "ascending" ? `-${sort}` : "";
	return (
		<div role="columnheader" class={`cell ${name}`} aria-sort={direction}>
			<button type="button" tabIndex={-1} onClick={() => go({ sort: next })}>
				{title}
				{direction === "none" ? "" : direction === "ascending" ? " ▲" : " ▼"}
			</button>
		</div>
	);
}

function FlowRow({ index, row }: { index: number; row: Row | undefined }) {
	if (row === undefined)
		return (
			<div class="row" role="row" aria-rowindex={index + 2}>
				<div role="gridcell" class="cell n" aria-colspan={COLUMNS.length}>
					…
				</div>
			</div>
		);
	const seq = cellOf(row, "seq") as number;
	const marked = String(cellOf(row, "marked") ?? "");
	const isSelected = selection.value.has(seq);
	const classes = [
		"row",
		statusClass(row),
		index === cursor.value ? "cursor" : "",
		seq === place.value.seq ? "open" : "",
		isSelected ? "selected" : "",
		marked === "" ? "" : `marked ${marked.replace(/[^a-z_]/g, "")}`,
	];
	return (
		<div
			class={classes.filter((name) => name !== "").join(" ")}
			role="row"
			id={`row-${index}`}
			aria-rowindex={index + 2}
			aria-selected={isSelected || seq === place.value.seq}
			onClick={(event) => (event.ctrlKey || event.metaKey ? toggle(seq, index) : openRow(index))}
		>
			{COLUMNS.map(({ name, text }) => {
				const shown = text(row);
				return (
					<div key={name} role="gridcell" class={`cell ${name}`} title={name === "url" ? shown : undefined}>
						{name === "n" && marked !== "" ? `★ ${shown}` : shown}
					</div>
				);
			})}
		</div>
	);
}

/** Adds a flow to the selection, or removes it. */
export function toggle(seq: number, index: number): void {
	const next = new Set(selection.value);
	if (!next.delete(seq)) next.add(seq);
	selection.value = next;
	cursor.value = index;
}
