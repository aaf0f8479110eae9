"""What the file of a saved trace holds, and how much of it.

It is one safetensors file. Its tensors, float32 unless said otherwise:

    logits, embedding.KIND, residual.DEPTH, attn_in.LAYER, attn_out.LAYER, mlp_in.LAYER, mlp_out.LAYER,
    mlp_activations.LAYER, unrotated.query, unrotated.key       as the methods of `Trace` return them
    parallel.LAYER                                              uint8, 1 if attention and MLP run side by side
    q.LAYER, k.LAYER, v.LAYER, attention.LAYER, stage.LAYER.NAME, sink.LAYER, head_output.LAYER, head_bias.LAYER,
    neurons.LAYER, mlp_bias.LAYER                               only for the layers that were asked for
    head_value.LAYER, head_gain.LAYER                           for these layers: `values` and `gain` of `Trace.contributions`
    lens                                                        logit lenses of the last tokens: (tokens, L + 1, vocab)
    gain, offset, rows, row_ids, row_biases                     the readout at each token, some rows of the unembedding
    plane, plane_shares, role.NAME                              measured on the model
    vocabulary, vocabulary_ends, vocabulary_special             the bytes of all tokens in a row, where each ends

The file of an encoder-decoder's trace has these for its decoder, and for its two other stacks the same names after
"encoder." and "cross.", as far as there are such numbers: no logits, lens or readout, and for cross attention neither
stream nor MLPs. Its version is WITH_STACKS, so that an earlier gptviz refuses it.

Its metadata has one entry, "gptviz": JSON with the version, the text and its tokens (in a chat with their roles), the
model's name and shape, merges, neighbours in the token table, and "refused": for each quantity that the model's family
does not have, the three parts of the error that says so, its code and its facts. The array for that name is then
missing. "stacks" has the same entries for "encoder" and "cross". Files of gptviz 0.1 have neither
codes and facts nor "heads_in", the number of heads of each layer, which is "heads" in all of theirs, and no head_value and
head_gain: `lens.flow` refuses them, and says so.
"""

VERSION = 2
WITH_STACKS = 3  # the version of a file with the three stacks of an encoder-decoder
METADATA = "gptviz"  # the entry of the metadata
STAGES = (
    "raw",
    "scaled",
    "softcapped",
    "biased",
    "masked",
)  # of attention scores, in the order in which they are computed
ROLE = "role."  # begins the names of the tensors with role scores
MAX_BYTES = 1_000_000_000  # of one file
LENS_BYTES = 64_000_000  # of the logit lenses, from the last token backwards; the last token's is always kept
NEIGHBOURS = 32  # kept of each token in the token table
LEADERS = 32  # likeliest next tokens at each position whose rows of the unembedding are kept
