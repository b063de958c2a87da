"""What the switches of the GPU backend should be set to, from the figures of a check."""


# Probes of products: the routine that is called against the other that could be.
PRODUCTS = {"symmetric_product": "Dsymm's time in parts of Dgemm's", "rank_2k": "Dsyr2k's time in parts of two Dgemms'",
            "gram_of_tall": "Dsyrk's time in parts of Dgemm's", "gram_of_wide": "Dsyrk's time in parts of Dgemm's"}


def first_order(slower, faster):
    """The smallest order from which one way takes no longer than the other wherever both were measured.
    @param slower, faster  seconds of each by order
    @return nothing where there is none"""
    first = None
    for order in sorted(slower.keys() & faster.keys(), reverse=True):
        if faster[order] > slower[order]:
            break
        first = order
    return first


def seconds(figures, part, key):
    return {of["order"]: of[key] for of in figures if of.get("part") == part and of.get(key) is not None}


def of_order(name, why, slower, faster):
    common = sorted(slower.keys() & faster.keys())
    if not common:
        return []
    first = first_order(slower, faster)
    value = f"above {common[-1]}" if first is None else str(first)
    return [f"{name} = {value}: {why}, at orders {', '.join(map(str, common))}"]


def of_products(figures):
    """The routine that is called against the other that could be."""
    for part, routines in PRODUCTS.items():
        ratios = {of["n"]: of["first_over_second"] for of in figures
                  if of.get("part") == part and of.get("first_over_second") is not None}
        if ratios:
            found = ", ".join(f"{ratio:.2f} at {n}" for n, ratio in sorted(ratios.items()))
            yield f"{part}: {routines}: {found}"


def switches(figures):
    """A line for each that the figures say something of."""
    lines = of_order("DeviceWays::first_alone", "Xsyevd alone against XsyevBatched",
                     seconds(figures, "small", "together"), seconds(figures, "small", "alone"))
    band = {order: time + seconds(figures, "ways", "band_end").get(order, 0)
            for order, time in seconds(figures, "ways", "band").items()}
    lines += of_order("DeviceWays::first_by_band", "the band and its end against Xsyevd",
                      seconds(figures, "ways", "solver"), band)
    blocks = [of for of in figures if of.get("part") == "block" and of.get("seconds") is not None]
    if blocks:
        best = min(blocks, key=lambda of: of["seconds"])
        lines.append(f"lanes = {best['lanes']} with first_by_band = {best['first_by_band']}: {best['seconds']:.4g} s "
                     f"for a block, the least of {len(blocks)}; it counts more, as cores finish a layer beside the next")
    return lines + list(of_products(figures))
