export interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

/** A CPU profile as V8 writes it. */
export interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly name: string;
  readonly file: string;
  us: number;
  readonly callees: Map<string, Frame>;
}

const width = 1200;
const rowHeight = 17;
/** Frames that took less of the whole are left out. */
const leastShare = 0.002;
/** By the part of a path, the first that matches. */
const colours: readonly (readonly [part: RegExp, colour: string])[] = [
  [/\/(?:src|providers)\//u, '#f6a04d'],
  [/node_modules/u, '#9cc5a1'],
  [/^node:/u, '#a9c1e8'],
  [/^$/u, '#d9d9d9'],
];

/** The last samples of a profile, `us` long, as an SVG: width is time, callers are above their callees. */
export function toFlameGraph(profile: Profile, us: number): string {
  const root = mergeStacks(profile, us);
  const boxes: string[] = [];
  let deepest = 0;
  const draw = (frame: Frame, x: number, depth: number): void => {
    const frameWidth = (frame.us / root.us) * width;
    if (frame.us / root.us < leastShare) return;
    deepest = Math.max(deepest, depth);
    boxes.push(toBox(frame, { x, y: depth * rowHeight, frameWidth }, root.us));
    let at = x;
    const callees = [...frame.callees.values()].toSorted((a, b) => b.us - a.us);
    for (const callee of callees) {
      draw(callee, at, depth + 1);
      at += (callee.us / root.us) * width;
    }
  };
  draw(root, 0, 0);
  const height = (deepest + 1) * rowHeight;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="11">
<rect width="${width}" height="${height}" fill="#fff"/>
${boxes.join('\n')}
</svg>
`;
}

/** Equal stacks of functions are one. Idle time is left out. */
function mergeStacks({ nodes, samples, timeDeltas }: Profile, us: number): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parentOf = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const stackOf = (id: number | undefined): readonly ProfileNode[] => {
    const node = id === undefined ? undefined : byId.get(id);
    return node ? [...stackOf(parentOf.get(node.id)), node] : [];
  };
  const root: Frame = { name: 'all', file: '', us: 0, callees: new Map() };
  let left = us;
  for (let at = samples.length - 1; at >= 0 && left > 0; at--) {
    const delta = timeDeltas[at] ?? 0;
    left -= delta;
    const [, ...stack] = stackOf(samples[at]);
    if (stack.at(-1)?.callFrame.functionName === '(idle)') continue;
    root.us += delta;
    let frame = root;
    for (const { callFrame } of stack) {
      const { functionName, url, lineNumber } = callFrame;
      const key = `${functionName} ${url} ${lineNumber}`;
      const file = url.replace(/^file:\/\/.*?\/(?=node_modules\/|src\/|providers\/)/u, '/');
      const known = frame.callees.get(key) ?? {
        ...{ name: functionName || '(anonymous)', file, us: 0, callees: new Map() },
      };
      frame.callees.set(key, known);
      known.us += delta;
      frame = known;
    }
  }
  return root;
}

function toBox(
  { name, file, us }: Frame,
  { x, y, frameWidth }: { readonly x: number; readonly y: number; readonly frameWidth: number },
  allUs: number,
): string {
  const [, colour = '#eee'] = colours.find(([part]) => part.test(file)) ?? [];
  const share = ((100 * us) / allUs).toFixed(1);
  const label = escape(name.slice(0, Math.max(0, Math.floor(frameWidth / 6.8) - 1)));
  const text =
    frameWidth < 24 ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${label}</text>`;
  return `<g><title>${escape(`${name} ${file} ${share} %`)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.5, frameWidth - 0.5).toFixed(1)}" height="${rowHeight - 1}" fill="${colour}"/>${text}</g>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
