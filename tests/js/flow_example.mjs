// A small pass of the flow view, to compute by hand.

// Two columns of three tokens. Attention, by rows of targets; then what stays: stream, bias, MLP.
export const CARRIED = new Float32Array([0.5, 0.25, 0.125, 0.5, 0.25, 0, 0, 0.5, 0.25, 0.125, 0.25, 0.25]);
export const KEPT = new Float32Array(
  [
    [0.25, 0.5, 0.125],
    [0.25, 0.125, 0.125],
    [0.5, 0.25, 0.75],
    [1, 0.25, 0.375],
    [0, 0, 0],
    [0.125, 0.5, 0.25],
  ].flat(),
);
