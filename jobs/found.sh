# What a rank with a GPU has been given, in one line: run by each of them before the analysis.
gpus=$(nvidia-smi --query-gpu=name,memory.total,pci.bus_id --format=csv,noheader 2>/dev/null)
gpus=${gpus:-no GPU that nvidia-smi can see}
cores=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
echo "rank $SLURM_PROCID on $(hostname -s): ${gpus//$'\n'/ and };" \
  "CUDA_VISIBLE_DEVICES ${CUDA_VISIBLE_DEVICES-not set}; cores $cores"
