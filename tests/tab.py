"""What a tab computes a second, beside a Python worker: python -m tests.benchmarks tab."""

import os
import statistics
import time
import urllib.parse

ROUNDS, SECONDS = 3, 8  # of every number; the two ways of training take turns
NAME = "fashion-alice"
MEMBERS = ("ali", "vae")


def middle(values: list[float]) -> str:
    """Median, and smallest to largest."""
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def counted(page, root, name: str) -> float:
    """How much an attribute grows a second, from one change of it to another."""
    read = lambda: (float(root.get_attribute(name) or 0), time.monotonic())  # noqa: E731

    def change():
        first, _ = read()
        while (now := read())[0] == first:
            page.wait_for_timeout(5)
        return now

    begun = change()
    while True:
        now = change()
        if now[1] - begun[1] >= SECONDS:
            return (now[0] - begun[0]) / (now[1] - begun[1])


def trained(page, address: str, member: str, in_tab: bool) -> float:
    """Steps a second of a run at the Lab's width, its frames drawn."""
    from .conftest import settle

    page.goto(f"{address}/lab?live=1&member={urllib.parse.quote(member)}")
    settle(page)
    if in_tab:
        page.get_by_role("button", name="Start", exact=True).click()
    else:
        page.get_by_role("button", name="Class").click()
        page.get_by_role("button", name="Start for a class").click()
    root = page.locator(".root[data-step='0']").first
    root.wait_for()
    root = page.locator(".root[data-step]").first
    root.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].some(one => +one.shadowRoot?.querySelector('.root')?.dataset.step > 20)"
    )
    rate = counted(page, root, "data-step")
    page.get_by_role("button", name="End", exact=True).click()
    settle(page)
    return rate


def main(serve, up, browser) -> None:
    """Prints every number of app/README.md's table, and how busy the machine was."""
    from playwright.sync_api import sync_playwright

    from .conftest import settle
    from .test_browser_engine import DRAG

    process, address = serve("run", "app/main.py")
    try:
        with sync_playwright() as playwright:
            up(address)
            chrome = browser(playwright)
            page = chrome.new_page(viewport={"width": 1280, "height": 720})
            page.set_default_timeout(300_000)
            print(f"load of the last minute {os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores", flush=True)
            page.goto(f"{address}/?checkpoint={NAME}&live=decode")
            page.locator(".ali-decode[data-ready]").wait_for()
            settle(page)
            rates = []
            for _ in range(ROUNDS + 1):  # the first one is slow
                told = page.evaluate(DRAG, [".ali-decode", [0.1, 0.3], [0.9, 0.7], 240])
                rates.append(1000 * told["shown"] / told["ms"])
            print(f"pictures a second under the pointer: {middle(rates[1:])}", flush=True)
            page.goto(f"{address}/reconstruct?source=Live&checkpoint={NAME}")
            root = page.locator(".ali-mirror[data-shown]")
            root.wait_for()
            settle(page)
            rates = [counted(page, root, "data-shown") for _ in range(ROUNDS)]
            print(f"pictures a second in the mirror: {middle(rates)}", flush=True)
            for member in MEMBERS:
                ways = {True: [], False: []}
                for _ in range(ROUNDS):
                    for in_tab, rates in ways.items():
                        rates.append(trained(page, address, member, in_tab))
                ratio = statistics.median(a / b for a, b in zip(ways[True], ways[False], strict=True))
                print(
                    f"steps a second of {member}: in the tab {middle(ways[True])}, in a worker {middle(ways[False])}; "
                    f"{ratio:.2f} of it",
                    flush=True,
                )
            print(f"load of the last minute {os.getloadavg()[0]:.1f}", flush=True)
            chrome.close()
    finally:
        process.terminate()
        process.wait()
