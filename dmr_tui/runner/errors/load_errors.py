"""The rows of the table for models that do not load: memory, backends, engines that end."""

from dmr_tui.runner.errors.row import Row

UPDATE = "Update Docker Desktop; on Docker Engine: docker model reinstall-runner"
LOG = "docker model logs"
_GPU_API = r"(?:CUDA|ROCm|HIP|MUSA|Vulkan|Metal|MTL|SYCL|OpenCL|CANN)"
_MORE = r"\w{0,40}"

_GPU_OFF = "Update the GPU driver and Docker Desktop, or switch GPU-backed inference off."
_LESS = "take a shorter context: dmr-tui shows the longest that fits (3 Memory, or status)."

LOAD_ROWS: tuple[Row, ...] = (
    Row(
        rf"not enough GPU memory|(?:cuda|hip|musa)Malloc{_MORE} failed: out of memory"
        rf"|{_GPU_API}{_MORE} (?:error: )?out of memory"
        rf"|(?:failed|unable) to allocate {_GPU_API}{_MORE} buffer|failed to allocate buffer, size"
        r"|ErrorOutOfDeviceMemory|hipErrorOutOfMemory|CommandBufferCallbackErrorOutOfMemory"
        r"|less than desired GPU memory utilization|No available memory for the cache blocks"
        r"|larger than the available KV cache memory",
        "out of memory",
        "{model} does not fit into GPU memory",
        "Other models hold the memory, or its context window is larger than the memory allows.",
        f"Unload another model, or {_LESS}",
    ),
    Row(
        r"exceeds total system memory",
        "out of memory",
        "{model} needs more memory than this machine has",
        "Runners of 2025 refuse in advance, by an estimate that leaves shared GPU memory out.",
        "Take a smaller quantization, or update: newer runners only fail if it really is too much.",
    ),
    Row(
        r"exit status: signal: killed|exit status 137\b",
        "out of memory",
        "The system killed the engine of {model}",
        "That is what Linux does when memory runs out, unless someone stopped it.",
        f"Unload another model, or {_LESS}",
    ),
    Row(
        r"\bout of memory\b|cannot allocate memory|std::bad_alloc|insufficient memory"
        r"|(?:failed|unable) to allocate (?:CPU|compute|buffer)",
        "out of memory",
        "{model} does not fit into memory",
        "Weights and context window together need more than is free.",
        "Unload another model, or take a smaller quantization or context window.",
    ),
    Row(
        r"nv-gpu-info",
        "backend missing",
        "Docker Desktop cannot tell which GPU there is, so llama.cpp has no CUDA",
        "Desktop after 4.82 does not put com.docker.nv-gpu-info.exe where the runner looks for it.",
        "Update Docker Desktop, go back to 4.82.0, or switch GPU-backed inference off.",
    ),
    Row(
        r"fork/exec .{0,300}com\.docker\.llama-server\.exe",
        "backend missing",
        "The Windows program of the engine could not be started",
        "Docker Desktop runs it on Windows even when WSL2 is active, and it is missing or blocked.",
        "Update Docker Desktop, then disable and enable Docker Model Runner in its settings.",
    ),
    Row(
        r"libtorch_cuda\.so|Torch not compiled with CUDA|\btorch: [\d.]+\+cpu"
        r"|Failed to infer device type|No GPU found|no CUDA-capable device|Found no NVIDIA driver",
        "backend missing",
        "The backend has no GPU that it can use",
        "Its image holds a CPU-only build of PyTorch, or the GPU is not passed on to it.",
        "docker model reinstall-runner --backend vllm --gpu cuda, or take a GGUF model.",
    ),
    Row(
        r"exit status 0xc0000135\b|error while loading shared libraries"
        r"|cannot open shared object file",
        "engine died",
        "The engine cannot start: a library is missing",
        "A DLL or driver that its build needs is not installed (0xc0000135 on Windows).",
        _GPU_OFF,
    ),
    Row(
        r"exit status 0xc0000005\b|exit status: signal: segmentation fault",
        "engine died",
        "The engine of {model} crashed",
        "It used memory that is not its own (0xc0000005): mostly a GPU driver or a faulty build.",
        _GPU_OFF,
    ),
    Row(
        r"exit status 0xc000001d\b|exit status: signal: illegal instruction",
        "engine died",
        "The engine does not run on this processor",
        "Its build uses instructions such as AVX that the processor lacks.",
        UPDATE,
    ),
    Row(
        r"unable to start [\w .-]{1,30}: ",
        "backend missing",
        "The program of the engine could not be started",
        "{said}",
        UPDATE,
    ),
    Row(
        # Each start of the runner says this of the backends that its image does not hold.
        r"Backend installation failed for (?!llama\.cpp)|package not found\. Install with",
        "backend missing",
        "A backend that is optional is not installed",
        "An image holds one or two of them; this matters only to models that need it.",
    ),
    Row(
        r"only (?:available|supported) on (?:Linux|macOS|Apple)|not available on this platform"
        r"|platform not supported",
        "backend missing",
        "This machine cannot run that backend",
        "{said}",
        "Take a GGUF model, which llama.cpp runs everywhere.",
    ),
    Row(
        r"file required by llama\.cpp backend|path required by [\w.-]{1,20} backend"
        r"|but no compatible backend is available|no DDUF file found",
        "backend missing",
        "{model} needs another backend than this runner has",
        "llama.cpp reads GGUF, vLLM and MLX safetensors, diffusers DDUF.",
        "Take its GGUF variant, or: docker model install-runner --backend vllm --gpu cuda",
    ),
    Row(
        r"\bbackend not found|\bbackend (?:\S{1,40} is )?not installed|vLLM binary not found"
        r"|package not installed|python3 not found in PATH|Python or mlx-lm not found",
        "backend missing",
        "The backend for this model is not installed",
        "This kind of model needs another engine.",
        "docker model install-runner --backend vllm --gpu cuda",
    ),
    Row(
        r"backend installation failed|failed to install llama\.cpp|Backend installation failed for",
        "backend missing",
        "The backend could not be installed",
        "{said}",
        UPDATE,
    ),
    Row(
        r"unknown model architecture|unknown projector type|unknown pre-tokenizer type"
        r"|Model type \S{1,60} not supported|Transformers does not recognize this architecture"
        r"|Model architectures \[.{1,200}\] are not supported|wrong number of tensors"
        r"|unsupported model config media type|_ZN17clip_model_loader",
        "engine too old",
        "The engine does not know this kind of model",
        "{model} is newer than the engine.",
        UPDATE,
    ),
    Row(
        r"took too long to initialize",
        "timed out",
        "The model was not ready within five minutes",
        "The disk is slow, or the machine swaps.",
        "Look at memory pressure; try a smaller model.",
    ),
    Row(
        r"ready: context canceled|^context canceled$",
        "client left",
        "Loading {model} was called off",
        "The caller hung up, or a preload took longer than its one minute.",
        "Load it first and then call: docker model run --detach {name}",
    ),
    Row(
        rf"{_GPU_API} error: |GGML_ASSERT\(|ErrorDeviceLost",
        "engine died",
        "The engine of {model} hit an error on the GPU",
        "{said}",
        "Restart the runner; if it comes back, update the GPU driver.",
    ),
    Row(
        r"ReverseProxy read error|inference-\d+\.sock.{0,80}(?:refused|no such file)"
        # dmr-tui writes these in place of a text that the runner does not have.
        r"|^the engine died while it answered|^the engine could not be reached$",
        "engine died",
        "The engine broke off its answer",
        "It crashed or was killed, often for memory.",
        LOG,
    ),
    Row(
        r"runner to be ready: .{0,80}(?:terminated|quit) unexpectedly"
        r"|exiting due to model loading error|runner initialization failed",
        "engine died",
        "The engine ended while it loaded {model}",
        "{said}",
        LOG,
    ),
    Row(
        r"(?:terminated|quit) unexpectedly|running model exited with error",
        "engine died",
        "The engine of {model} ended unexpectedly",
        "{said}",
        LOG,
    ),
)
