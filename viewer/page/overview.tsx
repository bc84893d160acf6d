// The overview above the list: flows over time, and the most frequent values of some columns.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "./client.ts";
import { countText, dateText, plain } from "./format.ts";
import type { Facets, TimelineAnswer } from "./protocol.ts";
import { attempt, go, place, set } from "./state.ts";

const BUCKETS = 200;
const FACETS = ["host", "status", "method", "type"] as const;

export function Timeline() {
	const [answer, setAnswer] = useState<TimelineAnswer | null>(null);
	const [drag, setDrag] = useState<readonly [number, number] | null>(null);
	const bars = useRef<HTMLDivElement>(null);
	const state = set.value;
	// a set that grows is counted when it is complete
	const version = state?.isComplete === true ? `${state.set} ${state.total}` : "";
	useEffect(() => {
		if (version === "" || state === null) return;
		const timer = setTimeout(() => {
			void attempt(async () => setAnswer(await ask<TimelineAnswer>(`sets/${state.set}/timeline?buckets=${BUCKETS}`)));
		}, 300);
		return () => clearTimeout(timer);
	}, [version]);
	// the space is kept, so that the list does not move
	if (answer?.from == null || answer.to == null) return <div class="timeline" />;
	const { from, to, counts } = answer;
	const most = Math.max(...counts, 1);
	const bucketAt = (event: PointerEvent) => {
		const box = bars.current?.getBoundingClientRect();
		if (box === undefined) return 0;
		return Math.max(0, Math.min(BUCKETS - 1, Math.floor(((event.clientX - box.left) / box.width) * BUCKETS)));
	};
	const narrow = ([a, b]: readonly [number, number]) => {
		const width = (to - from) / BUCKETS;
		const [first, last] = [Math.min(a, b), Math.max(a, b)];
		go({ time: [from + first * width, last === BUCKETS - 1 ? to : from + (last + 1) * width] });
	};
	return (
		<section class="timeline" aria-label="Flows over time">
			<div
				class="bars"
				ref={bars}
				aria-hidden="true"
				onPointerDown={(event) => {
					const bucket = bucketAt(event);
					event.currentTarget.setPointerCapture(event.pointerId);
					setDrag([bucket, bucket]);
				}}
				onPointerMove={(event) => drag !== null && setDrag([drag[0], bucketAt(event)])}
				onPointerUp={() => {
					if (drag !== null) narrow(drag);
					setDrag(null);
				}}
			>
				{counts.map((count, index) => (
					<span
						key={index}
						class={drag !== null && index >= Math.min(...drag) && index <= Math.max(...drag) ? "dragged" : ""}
						style={{ height: `${count === 0 ? 0 : Math.max(8, (count / most) * 100)}%` }}
					/>
				))}
			</div>
			<p>
				{dateText(from)} – {dateText(to)}
				{place.value.time !== null && (
					<button type="button" onClick={() => go({ time: null })}>
						All times
					</button>
				)}
			</p>
		</section>
	);
}

/** The filter that selects a value of a column. */
function termFor(column: (typeof FACETS)[number], value: string | number): string {
	if (column === "status") return `~c ${value}`;
	const code = { host: "d", method: "m", type: "ts" }[column];
	const pattern = String(value).replace(/[.*+?^${}()|[\]\\/"]/g, "\\$&");
	return `~${code} "^${pattern}${column === "type" ? "" : "$"}"`;
}

export function FacetLists() {
	const [isOpen, setOpen] = useState(false);
	const [facets, setFacets] = useState<Facets>({});
	const state = set.value;
	useEffect(() => {
		if (!isOpen || state?.isComplete !== true) return;
		void attempt(async () => setFacets(await ask<Facets>(`sets/${state.set}/facets?of=${FACETS.join(",")}`)));
	}, [isOpen, state?.set, state?.isComplete]);
	const add = (term: string) => {
		const { q } = place.value;
		go({ q: q === "" ? term : `(${q}) & ${term}` });
	};
	return (
		<details class="facets" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
			<summary>Hosts, statuses, methods, types</summary>
			<div class="columns">
				{FACETS.map((column) => (
					<section key={column} aria-label={column}>
						<h3>{column}</h3>
						<ul>
							{(facets[column] ?? []).map(({ value, count }) =>
								value === null ? null : (
									<li key={String(value)}>
										<button type="button" onClick={() => add(termFor(column, value))}>
											{plain(String(value))}
										</button>{" "}
										{countText(count)}
									</li>
								),
							)}
						</ul>
					</section>
				))}
			</div>
		</details>
	);
}
