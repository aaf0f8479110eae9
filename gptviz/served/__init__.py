"""Models that run on a server and speak OpenAI's completions protocol: vLLM, llama.cpp, Ollama, OpenAI's own."""
