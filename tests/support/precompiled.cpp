/// Gives the headers that are precompiled for all tests a target to belong to.
