//! Burns: the LTMS output script, what each purpose costs, tiers.
