"""What the loan system is told: events made from the chain's records, kept until they are delivered, and sent again if somebody asks for that."""
