// All charts as one table: the same lines in numbers.

import { view } from '../model/live.js';
import { CHARTS, linesOf } from './catalogue.js';
import { extentOf } from './summary.js';

export function FiguresTable() {
  const shards = view.value?.shards.length ?? 0;
  return (
    <div class="scroll">
      <table class="figures">
        <caption class="spoken">What the charts show, in numbers</caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Line</th>
            <th scope="col">Now</th>
            <th scope="col">Least</th>
            <th scope="col">Mean</th>
            <th scope="col">Most</th>
          </tr>
        </thead>
        <tbody>
          {CHARTS.flatMap((spec) =>
            linesOf(spec, shards).map((line) => {
              const { label, last, least, mean, most } = extentOf(spec, line);
              return (
                <tr key={`${spec.id} ${label}`}>
                  <th scope="row">{spec.title}</th>
                  <td>{label}</td>
                  <td class="number">{last}</td>
                  <td class="number">{least}</td>
                  <td class="number">{mean}</td>
                  <td class="number">{most}</td>
                </tr>
              );
            }),
          )}
        </tbody>
      </table>
    </div>
  );
}
