"""What is wrong with a run, since when, why, how sure: detectors find symptoms, causes compete to explain them.

    signals      canonical metrics, rollouts and pair scores, cut at a step: nobody can look ahead
    looks        at which steps a run is looked at: fixed by the rows before them
    detectors/   one symptom a file; gets the metrics that it declares, up to now
    causes/      one cause a file; what it predicts and forbids among the symptoms, what it says, what to do next
    weigh        how likely each cause is, given the symptoms
    engine       all looks in turn: findings, and the events that changed them
    examined     what pair scores say, for the detectors of reward models
    finding      the records that come out, and their JSON

Add a detector
--------------
A file in `detectors/` with one class that derives from `leaf.Detector` and carries `@registry.detector`. It declares
`name` (the symptom), `kinds`, `about`, `needs`, `uses`, and `alone` (how serious the symptom is where no cause explains
it). `look(view)` gets `Signals` cut at now and returns a `Sight`: established, refuted or not established, with
evidence, or a text that says why it can't tell. It keeps no state: the same view always gives the same sight.

Add a cause
-----------
A file in `causes/` with one class that derives from `leaf.Cause` and carries `@registry.cause`: `requires` (one of these
symptoms makes it a candidate), `predicts` and `forbids` (symptom -> weight, in the grades of `leaf`), `severity`,
`summary`, `next`. Confidence is the share of the candidate among all of them and "none of these".

Pair scores
-----------
A detector whose `needs` hold "pairs" looks once, at the end of the log (scores come from the trained model).
`view.examined` holds what `analysis.ranking` says of them, worked out once and shared with the pages (see `examined`);
`view.pairs` is the frame itself: step, pair_id, prompt_id, category, chosen_score, rejected_score, chosen_length,
rejected_length, length_unit, label_source. `needs` "pairs" and `uses` `examined.CURVES` is the usual pair. Training curves
of reward models are series as others: "rm.loss", "rm.accuracy", "rm.margin_mean"; their evaluations are
"eval/rm.loss", "eval/rm.accuracy" (the split before the name, unless it is "train").

Third parties add both through the entry points `rewardboard.detectors` and `rewardboard.causes`.
"""
