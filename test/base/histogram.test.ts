// Histograms: every value has a bucket whose bound is not far from it, and differences are exact.

import assert from 'node:assert/strict';
import { bucketBound, Histogram, histogramSince, quantile } from '../../src/base/histogram.js';

describe('histogram', () => {
  it('knows a value to within an eighth on either side', () => {
    for (let value = 0; value < 300_000; value += 1 + Math.floor(value / 50)) {
      const bound = bucketBound(value);
      assert.ok(bound >= value, `${value} is above ${bound}`);
      assert.ok(bound - value <= Math.max(0, value / 4), `${bound} is far from ${value}`);
      assert.equal(bucketBound(bound), bound);
      assert.ok(bucketBound(bound + 1) > bound);
    }
  });

  it('counts, sums, and tells quantiles', () => {
    const histogram = new Histogram();
    for (let value = 1; value <= 1000; value++) histogram.record(value);
    const figures = histogram.figures();
    assert.deepEqual([figures.count, figures.sum], [1000, 500_500]);
    assert.ok(Math.abs(quantile(figures, 0.5) - 500) <= 63);
    assert.ok(Math.abs(quantile(figures, 0.99) - 990) <= 124);
    assert.equal(quantile({ count: 0, sum: 0, buckets: [] }, 0.5), 0);
  });

  it('tells what came between two looks', () => {
    const histogram = new Histogram();
    histogram.record(10);
    const before = histogram.figures();
    histogram.record(10);
    histogram.record(1000);
    const between = histogramSince(histogram.figures(), before);
    assert.deepEqual([between.count, between.sum], [2, 1010]);
    assert.deepEqual(between.buckets, [
      [bucketBound(10), 1],
      [bucketBound(1000), 1],
    ]);
    // A histogram that has fewer than before began anew.
    assert.deepEqual(histogramSince(before, histogram.figures()), before);
  });
});
