"""From a run to numbers: which sets, in which space, by which measures, under which protocol."""
