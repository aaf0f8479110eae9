// @ts-check

/**
 * Returns the head with the largest weight from the last token to a token other than itself and the first, as
 * `lens/opening.py` does: with the two tokens and the weight. key: null if there is no such token; then it is head 0 of
 * layer 0.
 * @param {import("../engine/pass.js").Pass} pass
 */
export function openingHead(pass) {
  const { nLayers, nHeads } = pass.gpt;
  const query = pass.length - 1;
  let best = { layer: 0, head: 0, query, key: /** @type {number|null} */ (null), weight: 0 };
  for (let layer = 0; layer < nLayers; layer++)
    for (let head = 0; head < nHeads; head++) {
      const row = pass.attention(layer, head).subarray(query * pass.length, (query + 1) * pass.length);
      for (let key = 1; key < query; key++)
        if (row[key] > best.weight) best = { layer, head, query, key, weight: row[key] };
    }
  return best;
}
