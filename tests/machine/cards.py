"""Made-up graphics cards as files, in the shape of the kernel's sysfs and /proc."""

from collections.abc import Mapping
from pathlib import Path

GIB = 2**30
DGPU = {
    "vendor": "0x1002",
    "device": "0x744c",
    "gpu_busy_percent": "87",
    "mem_info_vram_total": str(24 * GIB),
    "mem_info_vram_used": str(9 * GIB),
    "mem_info_gtt_total": str(16 * GIB),
    "mem_info_gtt_used": str(GIB // 4),
    "product_name": "Radeon RX 7900 XTX",
    "current_link_speed": "8.0 GT/s PCIe",
    "current_link_width": "16",
    "max_link_speed": "16.0 GT/s PCIe",
    "max_link_width": "16",
    "pp_dpm_sclk": "0: 500Mhz\n1: 2482Mhz *\n",
    "pp_dpm_mclk": "0: 96Mhz\n1: 1249Mhz *\n",
    "hwmon/hwmon3/temp1_input": "61000",
    "hwmon/hwmon3/power1_average": "287000000",
    "hwmon/hwmon3/power1_cap": "339000000",
    "hwmon/hwmon3/freq1_input": "2480000000",
    "hwmon/hwmon3/pwm1": "102",
}
APU = {
    "vendor": "0x1002",
    "device": "0x1586",
    "gpu_busy_percent": "12",
    "mem_info_vram_total": str(GIB // 2),
    "mem_info_vram_used": str(GIB // 4),
    "mem_info_gtt_total": str(96 * GIB),
    "mem_info_gtt_used": str(40 * GIB),
    "hwmon/hwmon1/power1_input": "55000000",
    "hwmon/hwmon1/in1_input": "812",
}
ARC = {
    "vendor": "0x8086",
    "device": "0x56a0",
    "hwmon/hwmon2/temp2_input": "54000",
    "hwmon/hwmon2/power1_max": "190000000",
    "tile0/gt0/freq0/act_freq": "2050",
    "hwmon/hwmon2/energy1_input": "5000000",
    "../lmem_total_bytes": str(16 * GIB),
}
BUILT_IN = {"vendor": "0x8086", "device": "0x46a6", "../gt_act_freq_mhz": "1300"}
BUILT_IN_ADDRESS = "0000:00:02.0"


def write_card(
    root: Path, number: int, files: Mapping[str, str], address: str = "0000:03:00.0"
) -> Path:
    """A card with those files, linked as the kernel does; gives its device folder."""
    real = root / "pci" / address
    card = root / "drm" / f"card{number}"
    card.mkdir(parents=True)
    real.mkdir(parents=True)
    (card / "device").symlink_to(real)
    for name, content in files.items():
        path = card / name.removeprefix("../") if name.startswith("../") else real / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return real


def write_user(
    proc: Path, pid: int, *clients: tuple[str, int, int], name: str = "llama-server", **more: str
) -> None:
    """A process with open cards: address, client and bytes in VRAM of each; `more` is added."""
    folder = proc / str(pid)
    for kind in ("fd", "fdinfo"):
        (folder / kind).mkdir(parents=True)
    (folder / "comm").write_text(f"{name[:15]}\n")
    (folder / "cmdline").write_text(f"/app/bin/{name}\0--port\0")
    (folder / "fd" / "0").symlink_to("/dev/null")
    (folder / "fdinfo" / "0").write_text("pos:\t0\nflags:\t02\n")
    added = "".join(f"{key.replace('_', '-')}:\t{value}\n" for key, value in more.items())
    for place, (address, client, size) in enumerate(clients, 3):
        (folder / "fd" / str(place)).symlink_to("/dev/dri/renderD128")
        (folder / "fdinfo" / str(place)).write_text(
            f"pos:\t0\ndrm-driver:\tamdgpu\ndrm-pdev:\t{address}\ndrm-client-id:\t{client}\n"
            f"drm-engine-gfx:\t1234 ns\ndrm-memory-vram:\t{size // 1024} KiB\n"
            f"drm-resident-vram:\t{size // 1024} KiB\ndrm-memory-gtt:\t64 KiB\n{added}"
        )
